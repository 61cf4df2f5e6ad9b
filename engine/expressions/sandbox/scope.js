// What `execution`, `task` and the like offer: the facts of where the script stands, and its variables to read, set and remove.
(function (run) {
  "use strict";
  const { offer, keys, fromEntries, text, global } = run, { freeze } = Object;
  const put = (name, value) => {
    name = text(name);
    offer(name);
    run.values.set(name, value === undefined ? null : value);
    run.declared.delete(name);
    run.removed.delete(name);
    return name;
  };
  const has = (name) => run.values.has(text(name));
  const get = (name) => (has(name) ? run.values.get(text(name)) : null);
  const remove = (name) => {
    name = text(name);
    for (const set of [run.assigned, run.local, run.transient]) delete set[name];
    if (has(name)) { run.removed.add(name); run.values.delete(name); run.declared.delete(name); delete global[name]; }
  };
  const setAll = (set) => (map) => { for (const name of keys(map)) set(name, map[name]); };
  const setter = (kind) => (name, value) => { name = put(name, value); run[kind][name] = value; };
  const setVariable = setter("assigned"), setVariableLocal = setter("local"), setTransientVariable = setter("transient");
  const variableScope = {
    setVariable, setVariableLocal, setTransientVariable, setTransientVariableLocal: setTransientVariable,
    setVariables: setAll(setVariable), setVariablesLocal: setAll(setVariableLocal),
    getVariable: get, getVariableLocal: get, getTransientVariable: get,
    hasVariable: has, hasVariableLocal: has, hasVariables: () => run.values.size > 0,
    removeVariable: remove, removeVariableLocal: remove, removeTransientVariable: remove,
    getVariables: () => fromEntries(run.values), getVariableNames: () => [...run.values.keys()],
  };
  const scope = (facts) => {
    const object = { ...variableScope };
    for (const name of keys(facts)) {
      object[name] = facts[name];
      object["get" + name[0].toUpperCase() + name.slice(1)] = () => facts[name];
    }
    return freeze(object);
  };
  return Object.assign(scope, { variableScope });
})
