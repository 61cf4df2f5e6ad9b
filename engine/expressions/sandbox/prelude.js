// What every script finds around it. It is compiled before the script and gives the function that runs one: that collects what the script does,
// and tells it as one JSON text. Nothing here calls out: QuickJS cannot call into Python while a time limit is set. As most scripts have it
// compiled anew, it holds only what every run needs; the rest (see the files beside this one) is compiled when a script first asks for it.
(function (library, scopeText, surroundingsText, valuesText, lastingText) {
  "use strict";
  const global = globalThis, runGlobally = eval, TheError = Error, isFinite = Number.isFinite;
  const { stringify, parse } = JSON, { defineProperty, keys, fromEntries, create } = Object;
  const hasOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
  const run = { global, stringify, parse, defineProperty, keys, fromEntries, TheError, TheDate: Date, isArray: Array.isArray, text: String };
  const part = (code) => { let made = null; return () => made ??= runGlobally(code)(run); };
  const scopes = part(scopeText), surroundings = part(surroundingsText), whole = part(valuesText);
  run.surroundings = surroundings;

  // Values in and out: [kind, content].
  const read = (written) => (written[0] === "value" ? written[1] : whole().read(written));
  const write = (value) => {
    const kind = typeof value;
    if (value === null || value === undefined) return ["value", null];
    return kind === "string" || kind === "boolean" || (kind === "number" && isFinite(value)) ? ["value", value] : whole().write(value);
  };
  const writeAll = (object) => {
    const names = keys(object);
    return names.length === 0 ? {} : fromEntries(names.map((name) => [name, write(object[name])]));
  };

  // Variables are global names; what a script assigns stays its own until it calls setVariable.
  const offer = run.offer = (name) => {
    const { values, declared } = run;
    if (hasOwn(global, name) && !values.has(name) && !hasOwn(run.given, name)) return;
    try {
      defineProperty(global, name, {
        configurable: true, enumerable: false,
        get: () => (declared.has(name) ? declared.get(name) : values.get(name)),
        set: (value) => { declared.set(name, value); },
      });
      run.offered.push(name);
    } catch (e) { /* `undefined` and the like cannot be hidden; getVariable still reads them */ }
  };
  const hidden = (name, value) => defineProperty(global, name, { value, configurable: true, writable: true, enumerable: false });
  const late = (name) => defineProperty(global, name, {
    configurable: true, enumerable: false, get: () => surroundings()[name], set: (value) => { hidden(name, value); },
  });

  TheError.prototype.getMessage = function () { return this.message; };
  for (const name of ["print", "println", "console", "Java", "Thread", "System", "Date", "BpmnError", "Exception", "RuntimeException", "FlowableException",
    "IllegalArgumentException", "IllegalStateException", "UnsupportedOperationException", "NullPointerException", "ArithmeticException"]) late(name);
  if (library) runGlobally(library);
  for (const name of keys(global)) defineProperty(global, name, { enumerable: false });
  const lasting = lastingText ? runGlobally(lastingText)(run, [scopes(), surroundings(), whole()]) : null;

  const begin = (given) => {
    run.limits = given.limits; run.room = given.limits.printed; run.slept = 0; run.fatal = null; run.printed = []; run.offered = keys(given.scopes);
    run.values = new Map(); run.declared = new Map(); run.removed = new Set(); run.given = given.variables;
    run.assigned = create(null); run.local = create(null); run.transient = create(null);
    for (const name of keys(given.variables)) run.values.set(name, read(given.variables[name]));
    for (const name of run.values.keys()) offer(name);
    for (const name of keys(given.scopes)) {
      let made;
      defineProperty(global, name, { configurable: true, get: () => made ??= scopes()(given.scopes[name]) });
    }
  };
  // Nothing of the sandbox can be enumerated there, so what can is the script's.
  const assignedGlobals = () => {
    const { declared, values, given } = run, names = keys(global), kept = {};
    if (names.length === 0 && declared.size === 0) return kept;
    const globals = fromEntries(declared);
    for (const name of names) if (!declared.has(name) && !values.has(name) && !hasOwn(given, name)) globals[name] = global[name];
    for (const name of keys(globals)) {
      if (typeof globals[name] !== "function") try { kept[name] = write(globals[name]); } catch (e) { /* what cannot be stored is no variable */ }
    }
    return kept;
  };
  return (source, givenText) => {
    const given = parse(givenText);
    begin(given);
    let value = null, error = null;
    try { value = runGlobally(source); } catch (problem) { error = surroundings().told(problem); }
    const globals = assignedGlobals(), { printed, fatal } = run;
    const end = { printed, slept: fatal === null ? run.slept : 0, error: fatal === null ? error : { message: fatal, line: error && error.line, own: true, code: null } };
    if (end.error === null) {
      try {
        end.value = write(value);
        for (const kind of ["assigned", "local", "transient"]) end[kind] = writeAll(run[kind]);
        end.removed = [...run.removed];
        end.globals = globals;
      } catch (problem) { end.error = surroundings().told(problem); }
    }
    if (lasting) end.clean = lasting();
    return stringify(end);
  };
})
