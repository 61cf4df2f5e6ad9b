// What a script finds around it. It runs inside the sandbox before the script, collects what the script does, and tells it as one JSON text.
// Nothing here calls out: QuickJS cannot call into Python while a time limit is set. Sleeping is only noted (and moves this script's clock);
// the caller sleeps afterwards. Nobody sees the difference, as nothing that a script does leaves the sandbox before it has ended.
(function (source, givenText, limitsText, library) {
  "use strict";
  const global = globalThis, runGlobally = eval, TheDate = Date, TheError = Error;
  const { stringify, parse } = JSON, { defineProperty, getOwnPropertyNames, keys } = Object, isArray = Array.isArray, text = String;
  const hasOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
  const given = parse(givenText), limits = parse(limitsText);
  const values = new Map(), declared = new Map();
  const assigned = Object.create(null), local = Object.create(null), transient = Object.create(null), removed = new Set(), printed = [];
  let slept = 0, room = limits.printed, fatal = null;

  // Values in and out: [kind, content].
  const read = ([kind, content]) =>
    kind === "date" ? new Date(content) : kind === "big" ? BigInt(content) : kind === "bytes" ? Uint8Array.from(content) : content;
  const plain = (key, value) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("a result is not a finite number");
    if (typeof value === "bigint") return Number(value);
    if (value instanceof Map) return Object.fromEntries(value);
    return value instanceof Set ? [...value] : value;
  };
  const write = (value) => {
    if (value === undefined || value === null || typeof value === "function" || typeof value === "symbol" || value instanceof Promise) return ["value", null];
    if (value instanceof TheDate) {
      if (Number.isNaN(value.getTime())) throw new RangeError("a result is not a valid date");
      return ["date", value.getTime()];
    }
    if (typeof value === "bigint") return ["big", value.toString()];
    if (value instanceof Uint8Array) return ["bytes", [...value]];
    if (value instanceof TheError) return ["value", text(value.message)];
    const written = stringify(value, plain);
    return ["value", written === undefined ? null : parse(written)];
  };
  const writeAll = (object) => Object.fromEntries(keys(object).map((name) => [name, write(object[name])]));

  // Variables are global names; what a script assigns stays its own until it calls setVariable.
  const offer = (name) => {
    if (hasOwn(global, name) && !values.has(name) && !given.variables[name]) return;
    try {
      defineProperty(global, name, {
        configurable: true, enumerable: false,
        get: () => (declared.has(name) ? declared.get(name) : values.get(name)),
        set: (value) => { declared.set(name, value); },
      });
    } catch (e) { /* `undefined` and the like cannot be hidden; getVariable still reads them */ }
  };
  const put = (name, value) => {
    name = text(name);
    offer(name);
    values.set(name, value === undefined ? null : value);
    declared.delete(name);
    removed.delete(name);
    return name;
  };
  const has = (name) => values.has(text(name));
  const get = (name) => (has(name) ? values.get(text(name)) : null);
  const remove = (name) => {
    name = text(name);
    for (const set of [assigned, local, transient]) delete set[name];
    if (has(name)) { removed.add(name); values.delete(name); declared.delete(name); delete global[name]; }
  };
  const setAll = (set) => (map) => { for (const name of keys(map)) set(name, map[name]); };
  const setVariable = (name, value) => { name = put(name, value); assigned[name] = value; };
  const setVariableLocal = (name, value) => { name = put(name, value); local[name] = value; };
  const setTransientVariable = (name, value) => { name = put(name, value); transient[name] = value; };
  const variableScope = {
    setVariable, setVariableLocal, setTransientVariable, setTransientVariableLocal: setTransientVariable,
    setVariables: setAll(setVariable), setVariablesLocal: setAll(setVariableLocal),
    getVariable: get, getVariableLocal: get, getTransientVariable: get,
    hasVariable: has, hasVariableLocal: has, hasVariables: () => values.size > 0,
    removeVariable: remove, removeVariableLocal: remove, removeTransientVariable: remove,
    getVariables: () => Object.fromEntries(values), getVariableNames: () => [...values.keys()],
  };
  const scope = (facts) => {
    const object = { ...variableScope };
    for (const name of keys(facts)) {
      object[name] = facts[name];
      object["get" + name[0].toUpperCase() + name.slice(1)] = () => facts[name];
    }
    return Object.freeze(object);
  };

  // Output and time.
  const print = (...parts) => {
    const line = parts.map((part) => (part !== null && typeof part === "object" && !(part instanceof TheError) ? stringify(part) : text(part))).join(" ");
    if (room > 0) printed.push(line.slice(0, room));
    room -= line.length + 1;
  };
  const sleep = (milliseconds) => {
    const time = Number(milliseconds);
    if (!(time >= 0)) throw new IllegalArgumentException("timeout value is negative");
    slept += time;
    if (slept > limits.sleep) {
      fatal = "the script sleeps longer than " + limits.sleep / 1000 + " seconds";
      throw new TheError(fatal);
    }
  };
  const MovedDate = function (...parts) {
    if (!new.target) return new TheDate(TheDate.now() + slept).toString();
    return Reflect.construct(TheDate, parts.length ? parts : [TheDate.now() + slept], new.target);
  };
  MovedDate.prototype = TheDate.prototype;
  defineProperty(TheDate.prototype, "constructor", { value: MovedDate, configurable: true, writable: true });
  MovedDate.now = () => TheDate.now() + slept;
  MovedDate.parse = TheDate.parse;
  MovedDate.UTC = TheDate.UTC;

  // Errors.
  TheError.prototype.getMessage = function () { return this.message; };
  const thrown = (name) => ({ [name]: class extends TheError { get name() { return name; } constructor(...parts) { super(...parts.slice(0, 1)); } } })[name];
  class BpmnError extends TheError {
    constructor(code, message) { super(message === undefined ? text(code) : text(message)); this.errorCode = text(code); }
    getErrorCode() { return this.errorCode; }
  }
  const IllegalArgumentException = thrown("IllegalArgumentException");
  const javaClasses = {
    BpmnError, IllegalArgumentException, Thread: { sleep }, System: { out: { println: print, print }, currentTimeMillis: MovedDate.now },
  };
  for (const name of ["Exception", "RuntimeException", "IllegalStateException", "UnsupportedOperationException", "NullPointerException",
                      "ArithmeticException", "FlowableException"]) javaClasses[name] = thrown(name);
  const Java = { type: (name) => {
    const found = javaClasses[text(name).split(".").pop()];
    if (!found) throw new TypeError("Java classes are not available to scripts: " + name);
    return found;
  } };
  // The first place inside the script: the lines of this prelude begin far below (see scripts.py).
  const lineOf = (error) => {
    const stack = error instanceof TheError && typeof error.stack === "string" ? error.stack : "";
    const lines = [...stack.matchAll(/<input>:(\d+)/g)].map((found) => Number(found[1]));
    return lines.find((line) => line < limits.prelude) ?? null;
  };
  const own = (name) => name in javaClasses || name === "Error";
  const told = (error) => {
    const name = error instanceof TheError ? text(error.name) : "";
    const message = error instanceof TheError ? text(error.message) : typeof error === "object" && error !== null ? stringify(error) : text(error);
    return {
      message: own(name) || !name || name.endsWith("Exception") ? message || name : name + ": " + message, line: lineOf(error), own: own(name) || !name,
      code: error instanceof BpmnError ? error.errorCode : null,
    };
  };

  for (const name of keys(given.variables)) { values.set(name, read(given.variables[name])); }
  const console = { log: print, info: print, warn: print, error: print, debug: print };
  const offered = { print, println: print, console, Java, ...javaClasses, Date: MovedDate };
  for (const name of keys(offered)) defineProperty(global, name, { value: offered[name], configurable: true, writable: true, enumerable: false });
  if (library) runGlobally(library);
  for (const name of values.keys()) offer(name);
  for (const name of keys(given.scopes)) defineProperty(global, name, { value: scope(given.scopes[name]), configurable: true, writable: false });
  const known = new Set(getOwnPropertyNames(global));

  let value = null, error = null;
  try { value = runGlobally(source); } catch (problem) { error = told(problem); }
  const globals = Object.fromEntries(declared);
  for (const name of getOwnPropertyNames(global)) if (!known.has(name) && !declared.has(name) && !values.has(name)) globals[name] = global[name];
  const kept = {};
  for (const name of keys(globals)) {
    if (typeof globals[name] !== "function") try { kept[name] = write(globals[name]); } catch (e) { /* what cannot be stored is no variable */ }
  }
  const end = { printed, slept: fatal === null ? slept : 0, error: fatal === null ? error : { message: fatal, line: error && error.line, own: true, code: null } };
  if (end.error === null) {
    try {
      Object.assign(end, { value: write(value), assigned: writeAll(assigned), local: writeAll(local), transient: writeAll(transient),
                           removed: [...removed], globals: kept });
    } catch (problem) { end.error = told(problem); }
  }
  return stringify(end);
})
