// Lets one script after another run in this context, and none tell another anything: whatever they share is frozen, and the global names that
// one of them made are taken away after it. `parts` are the sandbox's own, which are made at once here, as they are shared too.
(function (run, parts) {
  "use strict";
  const { global, defineProperty, keys } = run;
  const { freeze, getOwnPropertyNames, getPrototypeOf, getOwnPropertySymbols, getOwnPropertyDescriptor } = Object, { ownKeys } = Reflect;
  const seen = new Set([global]);
  // What no name leads to, or none after a library has taken its name for something else.
  const nameless = [
    function* () {}, async function () {}, async function* () {}, (function* () {})(), (async function* () {})(), Promise.resolve(),
    [][Symbol.iterator](), ""[Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), "".matchAll(/x/g),
    [].values().map((v) => v), Iterator.from({ next() {} }), (function () { return arguments; })(), new Uint8Array(),
    ...["", 1, true, 1n, Symbol(), /x/, new Date()].map(getPrototypeOf), ...parts,
  ];

  // Assigning a name that a frozen prototype has would do nothing; in a script's own object it is a name like others.
  const yielding = new Set([Object, Function, Array, Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((c) => c.prototype));
  const yieldTo = (object, key, value) => {
    const get = () => value, { set } = { set(own) {
      if (!seen.has(this)) defineProperty(this, key, { value: own, configurable: true, writable: true, enumerable: true });
    } };
    reach(get); reach(set);
    defineProperty(object, key, { get, set, configurable: false });
  };
  const close = (object, key) => {
    const found = getOwnPropertyDescriptor(object, key);
    reach(found.value); reach(found.get);
    if (!found.configurable) return;
    if (found.get || found.set) defineProperty(object, key, { get: found.get, set: undefined, configurable: false });
    else if (yielding.has(object)) yieldTo(object, key, found.value);
    else if (object === global) defineProperty(object, key, { writable: false, configurable: false });
  };
  const reach = (value) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    reach(getPrototypeOf(value));
    for (const key of ownKeys(value)) close(value, key);
    freeze(value);
  };
  for (const value of nameless) reach(value);
  for (const key of ownKeys(global)) close(global, key);

  const above = getPrototypeOf(global), symbols = getOwnPropertySymbols(global).length, names = getOwnPropertyNames(global).length;
  return () => {
    try { for (const made of [keys(global), run.offered]) for (const name of made) delete global[name]; } catch (e) { return false; }
    return getPrototypeOf(global) === above && getOwnPropertySymbols(global).length === symbols && getOwnPropertyNames(global).length === names;
  };
})
