// What every script finds around it. It runs inside the sandbox before the script, collects what the script does, and tells it as one JSON text.
// Nothing here calls out: QuickJS cannot call into Python while a time limit is set. As it is compiled anew for every run, it holds only what
// every run needs; the rest (`parts`: see the files beside this one) is compiled when a script first asks for it.
(function (source, givenText, limitsText, library, scopeText, surroundingsText, valuesText) {
  "use strict";
  const global = globalThis, runGlobally = eval, TheError = Error, isFinite = Number.isFinite;
  const { stringify, parse } = JSON, { defineProperty, getOwnPropertyNames, keys, fromEntries, create } = Object;
  const hasOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
  const given = parse(givenText), values = new Map(), declared = new Map();
  const run = {
    global, limits: parse(limitsText), values, declared, stringify, parse, defineProperty, keys, fromEntries, TheError, TheDate: Date, isArray: Array.isArray,
    text: String, assigned: create(null), local: create(null), transient: create(null), removed: new Set(), printed: [], slept: 0, fatal: null,
  };
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
  const writeAll = (object) => fromEntries(keys(object).map((name) => [name, write(object[name])]));

  // Variables are global names; what a script assigns stays its own until it calls setVariable.
  const offer = run.offer = (name) => {
    if (hasOwn(global, name) && !values.has(name) && !hasOwn(given.variables, name)) return;
    try {
      defineProperty(global, name, {
        configurable: true, enumerable: false,
        get: () => (declared.has(name) ? declared.get(name) : values.get(name)),
        set: (value) => { declared.set(name, value); },
      });
    } catch (e) { /* `undefined` and the like cannot be hidden; getVariable still reads them */ }
  };
  const hidden = (name, value) => defineProperty(global, name, { value, configurable: true, writable: true, enumerable: false });
  const late = (name) => defineProperty(global, name, {
    configurable: true, enumerable: false, get: () => surroundings()[name], set: (value) => { hidden(name, value); },
  });

  TheError.prototype.getMessage = function () { return this.message; };
  for (const name of ["print", "println", "console", "Java", "Thread", "System", "Date", "BpmnError", "Exception", "RuntimeException", "FlowableException",
    "IllegalArgumentException", "IllegalStateException", "UnsupportedOperationException", "NullPointerException", "ArithmeticException"]) late(name);
  for (const name of keys(given.variables)) values.set(name, read(given.variables[name]));
  if (library) runGlobally(library);
  for (const name of values.keys()) offer(name);
  for (const name of keys(given.scopes)) {
    let made;
    defineProperty(global, name, { configurable: true, get: () => made ??= scopes()(given.scopes[name]) });
  }
  const known = new Set(getOwnPropertyNames(global));

  let value = null, error = null;
  try { value = runGlobally(source); } catch (problem) { error = surroundings().told(problem); }
  const globals = fromEntries(declared);
  for (const name of getOwnPropertyNames(global)) if (!known.has(name) && !declared.has(name) && !values.has(name)) globals[name] = global[name];
  const kept = {};
  for (const name of keys(globals)) {
    if (typeof globals[name] !== "function") try { kept[name] = write(globals[name]); } catch (e) { /* what cannot be stored is no variable */ }
  }
  const { printed, fatal } = run;
  const end = { printed, slept: fatal === null ? run.slept : 0, error: fatal === null ? error : { message: fatal, line: error && error.line, own: true, code: null } };
  if (end.error === null) {
    try {
      end.value = write(value);
      for (const kind of ["assigned", "local", "transient"]) end[kind] = writeAll(run[kind]);
      end.removed = [...run.removed];
      end.globals = kept;
    } catch (problem) { end.error = surroundings().told(problem); }
  }
  return stringify(end);
})
