// Output, time, Java's few classes, and how an error is told. Sleeping is only noted (and moves this script's clock); the caller sleeps
// afterwards. Nobody sees the difference, as nothing that a script does leaves the sandbox before it has ended.
(function (run) {
  "use strict";
  const { TheDate, TheError, stringify, text, defineProperty } = run;

  // Output and time.
  const print = (...parts) => {
    const line = parts.map((part) => (part !== null && typeof part === "object" && !(part instanceof TheError) ? stringify(part) : text(part))).join(" ");
    if (run.room > 0) run.printed.push(line.slice(0, run.room));
    run.room -= line.length + 1;
  };
  const sleep = (milliseconds) => {
    const time = Number(milliseconds);
    if (!(time >= 0)) throw new IllegalArgumentException("timeout value is negative");
    run.slept += time;
    if (run.slept > run.limits.sleep) {
      run.fatal = "the script sleeps longer than " + run.limits.sleep / 1000 + " seconds";
      throw new TheError(run.fatal);
    }
  };
  const MovedDate = function (...parts) {
    if (!new.target) return new TheDate(TheDate.now() + run.slept).toString();
    return Reflect.construct(TheDate, parts.length ? parts : [TheDate.now() + run.slept], new.target);
  };
  MovedDate.prototype = TheDate.prototype;
  defineProperty(TheDate.prototype, "constructor", { value: MovedDate, configurable: true, writable: true });
  MovedDate.now = () => TheDate.now() + run.slept;
  MovedDate.parse = TheDate.parse;
  MovedDate.UTC = TheDate.UTC;

  // Errors.
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
  // The first place inside the script, which begins on the second line: the sandbox's own code stands on one line (see scripts.py).
  const lineOf = (error) => {
    const stack = error instanceof TheError && typeof error.stack === "string" ? error.stack : "";
    const lines = [...stack.matchAll(/<input>:(\d+)/g)].map((found) => Number(found[1]) - 1);
    return lines.find((line) => line > 0) ?? null;
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
  const console = { log: print, info: print, warn: print, error: print, debug: print };
  return { print, println: print, console, Java, ...javaClasses, Date: MovedDate, told };
})
