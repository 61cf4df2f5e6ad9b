// What Groovy's operators, properties and methods mean, for the JavaScript that groovy.py writes. `__g` is all that it calls.
(function () {
  "use strict";
  // Groovy's own of these names take their places below.
  const { String, Boolean, Math, Number } = globalThis;
  const global = globalThis, own = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
  const isList = Array.isArray, isDate = (v) => v instanceof Date;
  const isMap = (v) => v !== null && typeof v === "object" && !isList(v) && Object.getPrototypeOf(v) === Object.prototype && !Object.isFrozen(v);
  const fail = (name, message) => { throw new (name === "NullPointerException" ? NullPointerException : name === "ArithmeticException" ? ArithmeticException
    : name === "IllegalArgumentException" ? IllegalArgumentException : RuntimeException)(message); };
  const { NullPointerException, ArithmeticException, IllegalArgumentException, RuntimeException } = global;
  const kindOf = (v) => v === null || v === undefined ? "null" : isList(v) ? "list" : isDate(v) ? "date" : isMap(v) ? "map" : typeof v;

  const str = (v) => {
    switch (kindOf(v)) {
      case "null": return "null";
      case "list": return "[" + v.map(str).join(", ") + "]";
      case "map": return "[" + (Object.keys(v).map((k) => k + ":" + str(v[k])).join(", ") || ":") + "]";
      case "date": return v.toISOString();
    }
    return v instanceof Error ? v.name + ": " + v.message : String(v);
  };
  const truth = (v) => {
    switch (kindOf(v)) {
      case "list": case "string": return v.length > 0;
      case "map": return Object.keys(v).length > 0;
    }
    return Boolean(v);
  };
  // Groovy calculates with decimals: 0.1 + 0.2 is 0.3. Fifteen digits are what a double holds for certain.
  const decimal = (n) => typeof n !== "number" || Number.isInteger(n) || !Number.isFinite(n) ? n : Number(n.toPrecision(15));
  const number = (v, sign) => {
    if (typeof v === "number" || typeof v === "bigint") return v;
    return v === null || v === undefined ? fail("NullPointerException", "Cannot calculate null " + sign + " something")
      : fail("IllegalArgumentException", "Cannot calculate with '" + str(v) + "' and " + sign);
  };
  const arithmetic = (sign, work) => (a, b) => {
    a = number(a, sign); b = number(b, sign);
    if (typeof a !== typeof b) { a = Number(a); b = Number(b); }
    return decimal(work(a, b));
  };
  const eq = (a, b) => {
    const kind = kindOf(a);
    if (kind !== kindOf(b)) return (kind === "bigint" || kind === "number") && a == b;
    switch (kind) {
      case "null": return true;
      case "list": return a.length === b.length && a.every((item, i) => eq(item, b[i]));
      case "map": { const keys = Object.keys(a); return keys.length === Object.keys(b).length && keys.every((k) => own(b, k) && eq(a[k], b[k])); }
      case "date": return a.getTime() === b.getTime();
    }
    return a === b;
  };
  const compare = (a, b) => {
    if (kindOf(a) === "null" || kindOf(b) === "null") return kindOf(a) === kindOf(b) ? 0 : kindOf(a) === "null" ? -1 : 1;
    if (kindOf(a) !== kindOf(b) && !(typeof a === "bigint" || typeof b === "bigint")) fail("IllegalArgumentException", "Cannot compare " + str(a) + " with " + str(b));
    return a < b ? -1 : a > b ? 1 : 0;
  };
  const plus = arithmetic("+", (a, b) => a + b), minus = arithmetic("-", (a, b) => a - b);
  const add = (a, b) => {
    if (typeof a === "string" || typeof b === "string") return str(a) + str(b);
    if (isList(a)) return a.concat(isList(b) ? b : [b]);
    if (isMap(a) && isMap(b)) return { ...a, ...b };
    if (isDate(a)) return methods.date.plus(a, number(b, "+"));
    return plus(a, b);
  };
  const subtract = (a, b) => isList(a) ? a.filter((item) => !(isList(b) ? b.some((gone) => eq(item, gone)) : eq(item, b)))
    : typeof a === "string" ? a.replace(str(b), () => "") : isDate(a) ? methods.date.minus(a, number(b, "-")) : minus(a, b);
  const times = arithmetic("*", (a, b) => a * b);
  const multiply = (a, b) => typeof a === "string" ? a.repeat(number(b, "*")) : times(a, b);
  const divided = (work) => (a, b) => { if (Number(b) === 0) fail("ArithmeticException", "Division by zero"); return work(a, b); };
  const divide = divided(arithmetic("/", (a, b) => typeof a === "bigint" ? Number(a) / Number(b) : a / b)), modulo = divided(arithmetic("%", (a, b) => a % b));
  const power = arithmetic("**", (a, b) => a ** b);
  const append = (a, b) => isList(a) ? (a.push(b), a) : typeof a === "string" ? a + str(b) : fail("RuntimeException", "<< needs a list");
  const isIn = (a, b) => isList(b) ? b.some((item) => eq(a, item)) : isMap(b) ? own(b, str(a)) : typeof b === "string" ? b.includes(str(a)) : false;
  const operators = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo, "**": power, "<<": append, in: isIn, "==": eq, "!=": (a, b) => !eq(a, b),
    "<=>": compare, "<": (a, b) => compare(a, b) < 0, "<=": (a, b) => compare(a, b) <= 0, ">": (a, b) => compare(a, b) > 0, ">=": (a, b) => compare(a, b) >= 0,
  };
  const chain = (value, ...rest) => { for (let i = 0; i < rest.length; i += 2) value = operators[rest[i]](value, rest[i + 1]); return value; };
  const negate = (v) => -number(v, "-");

  const toInteger = (v) => {
    const n = typeof v === "string" ? (/^\s*[+-]?\d+\s*$/.test(v) ? Number(v) : NaN) : typeof v === "number" ? Math.trunc(v) : typeof v === "bigint" ? v : NaN;
    return Number.isNaN(n) ? fail("IllegalArgumentException", "For input string: \"" + str(v) + "\"") : n;
  };
  const toDecimal = (v) => {
    const n = typeof v === "string" && v.trim() !== "" ? Number(v) : typeof v === "number" || typeof v === "bigint" ? Number(v) : NaN;
    return Number.isFinite(n) ? n : fail("IllegalArgumentException", "For input string: \"" + str(v) + "\"");
  };
  const entries = (map) => Object.keys(map).map((key) => ({ key, value: map[key] }));
  const items = (v) => kindOf(v) === "null" ? [] : isList(v) ? v : isMap(v) ? entries(v) : typeof v === "string" ? [...v] : [v];
  const range = (from, to, open) => {
    const list = [], step = from <= to ? 1 : -1;
    for (let i = from; step > 0 ? (open ? i < to : i <= to) : (open ? i > to : i >= to); i += step) list.push(i);
    return list;
  };
  const onEntry = (work) => (entry) => work.length > 1 ? work(entry.key, entry.value) : work(entry);
  const yes = (v) => v === undefined ? true : truth(v);
  const collection = {
    each: (c, work) => { items(c).forEach((x) => (isMap(c) ? onEntry(work) : work)(x)); return c; },
    eachWithIndex: (c, work) => { items(c).forEach((x, i) => work(x, i)); return c; },
    collect: (c, work) => items(c).map((x) => (isMap(c) ? onEntry(work) : work)(x)),
    find: (c, work) => items(c).find((x) => truth((isMap(c) ? onEntry(work) : work)(x))) ?? null,
    any: (c, work) => items(c).some((x) => truth(work ? (isMap(c) ? onEntry(work) : work)(x) : x)),
    every: (c, work) => items(c).every((x) => truth(work ? (isMap(c) ? onEntry(work) : work)(x) : x)),
    count: (c, work) => items(c).filter((x) => typeof work === "function" ? truth(work(x)) : eq(x, work)).length,
    inject: (c, start, work) => items(c).reduce((a, x) => work(a, x), start),
    isEmpty: (c) => items(c).length === 0,
    size: (c) => items(c).length,
    toString: (c) => str(c), equals: (c, other) => eq(c, other),
  };
  const methods = {
    list: {
      ...collection,
      findAll: (l, work) => l.filter((x) => truth(work(x))),
      add: (l, ...x) => { x.length > 1 ? l.splice(x[0], 0, x[1]) : l.push(x[0]); return true; },
      addAll: (l, more) => { l.push(...items(more)); return true; },
      remove: (l, x) => { const i = typeof x === "number" ? x : l.findIndex((y) => eq(x, y)); return i >= 0 && i < l.length ? l.splice(i, 1)[0] : null; },
      clear: (l) => { l.length = 0; return null; },
      get: (l, i) => i >= 0 && i < l.length ? l[i] : fail("RuntimeException", "Index " + i + " out of bounds for length " + l.length),
      getAt: (l, i) => at(l, i), set: (l, i, x) => { const old = l[i]; l[i] = x; return old; },
      contains: (l, x) => isIn(x, l), indexOf: (l, x) => l.findIndex((y) => eq(x, y)),
      first: (l) => l.length ? l[0] : fail("RuntimeException", "Cannot access first() element from an empty List"),
      last: (l) => l.length ? l[l.length - 1] : fail("RuntimeException", "Cannot access last() element from an empty List"),
      join: (l, by = "") => l.map(str).join(by), reverse: (l) => [...l].reverse(), unique: (l) => l.filter((x, i) => l.findIndex((y) => eq(x, y)) === i),
      sort: (l, work) => l.sort((a, b) => work === undefined ? compare(a, b) : work.length > 1 ? work(a, b) : compare(work(a), work(b))),
      sum: (l, work) => l.length ? l.map((x) => work ? work(x) : x).reduce(add) : null,
      max: (l, work) => l.length ? l.reduce((a, b) => compare(work ? work(b) : b, work ? work(a) : a) > 0 ? b : a) : null,
      min: (l, work) => l.length ? l.reduce((a, b) => compare(work ? work(b) : b, work ? work(a) : a) < 0 ? b : a) : null,
      subList: (l, a, b) => l.slice(a, b), take: (l, n) => l.slice(0, n), drop: (l, n) => l.slice(n),
    },
    map: {
      ...collection,
      findAll: (m, work) => Object.fromEntries(entries(m).filter((e) => truth(onEntry(work)(e))).map((e) => [e.key, e.value])),
      get: (m, k, other = null) => own(m, str(k)) ? m[str(k)] : other, getOrDefault: (m, k, other) => own(m, str(k)) ? m[str(k)] : other,
      put: (m, k, v) => { const old = own(m, str(k)) ? m[str(k)] : null; define(m, str(k), v); return old; },
      putAll: (m, more) => { for (const k of Object.keys(more)) define(m, k, more[k]); return null; },
      remove: (m, k) => { const old = own(m, str(k)) ? m[str(k)] : null; delete m[str(k)]; return old; },
      containsKey: (m, k) => own(m, str(k)), containsValue: (m, v) => Object.values(m).some((x) => eq(x, v)),
      keySet: (m) => Object.keys(m), values: (m) => Object.values(m), entrySet: entries, clear: (m) => { for (const k of Object.keys(m)) delete m[k]; return null; },
      getKey: (m) => m.key, getValue: (m) => m.value,
    },
    string: {
      length: (s) => s.length, size: (s) => s.length, isEmpty: (s) => s === "", isBlank: (s) => s.trim() === "",
      contains: (s, x) => s.includes(x), startsWith: (s, x) => s.startsWith(x), endsWith: (s, x) => s.endsWith(x), indexOf: (s, x) => s.indexOf(x),
      lastIndexOf: (s, x) => s.lastIndexOf(x), toUpperCase: (s) => s.toUpperCase(), toLowerCase: (s) => s.toLowerCase(), trim: (s) => s.trim(),
      capitalize: (s) => s.charAt(0).toUpperCase() + s.slice(1), reverse: (s) => [...s].reverse().join(""), charAt: (s, i) => s.charAt(i),
      substring: (s, a, b = s.length) => a >= 0 && a <= b && b <= s.length ? s.substring(a, b) : fail("RuntimeException", "begin " + a + ", end " + b + ", length " + s.length),
      replace: (s, a, b) => s.split(a).join(b), concat: (s, x) => s + x, padLeft: (s, n, by = " ") => s.padStart(n, by), padRight: (s, n, by = " ") => s.padEnd(n, by),
      split: (s, by) => { const parts = s.split(/^\\[^\w\s]$/.test(by) ? by.slice(1) : by); while (parts.length > 1 && parts[parts.length - 1] === "") parts.pop(); return parts; },
      tokenize: (s, by = " ") => s.split(by).filter((x) => x !== ""), readLines: (s) => s.split(/\r?\n/), multiply: (s, n) => s.repeat(n),
      equals: (s, x) => s === x, equalsIgnoreCase: (s, x) => typeof x === "string" && s.toLowerCase() === x.toLowerCase(), compareTo: compare,
      toInteger, toLong: toInteger, toDouble: toDecimal, toFloat: toDecimal, toBigDecimal: toDecimal, toBoolean: (s) => ["true", "y", "1"].includes(s.trim().toLowerCase()),
      isInteger: (s) => /^[+-]?\d+$/.test(s), isLong: (s) => /^[+-]?\d+$/.test(s), isNumber: (s) => s.trim() !== "" && Number.isFinite(Number(s)), toString: (s) => s,
      each: collection.each, collect: collection.collect, any: collection.any, every: collection.every, toList: (s) => [...s],
    },
    number: {
      intValue: toInteger, longValue: toInteger, toInteger, toLong: toInteger, doubleValue: Number, toDouble: Number, toBigDecimal: (n) => n, floatValue: Number,
      toString: str, equals: eq, compareTo: compare, plus: add, minus: subtract, multiply, add, subtract, div: divide, divide, mod: modulo, negate, abs: (n) => n < 0 ? -n : n,
      intdiv: (a, b) => Math.trunc(divide(a, b)), power, round: (n, digits = 0) => Number(Math.round(Number(n + "e" + digits)) + "e-" + digits),
      setScale: (n, digits) => Number(Math.round(Number(n + "e" + digits)) + "e-" + digits), times: (n, work) => { for (let i = 0; i < n; i++) work(i); return null; },
      upto: (n, to, work) => { for (let i = n; i <= to; i++) work(i); return null; }, signum: Math.sign,
    },
    boolean: { toString: str, equals: eq, booleanValue: (b) => b },
    date: {
      getTime: (d) => d.getTime(), before: (d, x) => d < x, after: (d, x) => d > x, compareTo: compare, equals: eq, toString: str,
      plus: (d, days) => new Date(d.getTime() + days * 86400000), minus: (d, days) => new Date(d.getTime() - days * 86400000),
      toInstant: (d) => d, toEpochMilli: (d) => d.getTime(),
    },
    function: { call: (f, ...args) => f(...args) },
  };
  methods.bigint = methods.number;

  const define = (map, key, value) => Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
  const call = (object, name, args, safe) => {
    const kind = kindOf(object);
    if (kind === "null") return safe ? null : fail("NullPointerException", "Cannot invoke method " + name + "() on null object");
    if ((kind === "object" || kind === "map" || kind === "function") && typeof object[name] === "function" && (own(object, name) || object instanceof Error || kind === "object"))
      return object[name](...args) ?? null;
    const method = methods[kind] && own(methods[kind], name) ? methods[kind][name] : null;
    if (!method) fail("RuntimeException", "No signature of method: " + name + "() for " + kind + " " + str(object).slice(0, 60));
    return method(object, ...args) ?? null;
  };
  const get = (object, name, safe) => {
    const kind = kindOf(object), getter = "get" + name.charAt(0).toUpperCase() + name.slice(1);
    if (kind === "null") return safe ? null : fail("NullPointerException", "Cannot get property '" + name + "' on null object");
    if (kind === "map") return own(object, name) ? object[name] : null;
    if (kind === "list" && !own(methods.list, getter)) return object.map((item) => get(item, name, true));
    if ((kind === "object" || kind === "function") && name in object) return object[name];
    if (methods[kind] && own(methods[kind], getter)) return methods[kind][getter](object);
    return fail("RuntimeException", "No such property: " + name + " for " + kind);
  };
  const at = (object, index) => {
    const kind = kindOf(object);
    if (kind === "null") return fail("NullPointerException", "Cannot get [" + str(index) + "] of null");
    if (kind === "map") return own(object, str(index)) ? object[str(index)] : null;
    if (kind === "string" && isList(index)) return index.map((i) => object.at(i)).join("");
    if (isList(index)) return index.map((i) => object.at(i) ?? null);
    if (kind === "list" || kind === "string") return object.at(index) ?? null;
    return get(object, str(index));
  };
  const put = (object, key, value) => {
    const kind = kindOf(object);
    if (kind === "list") object[key < 0 ? object.length + key : key] = value;
    else if (kind === "map") define(object, str(key), value);
    else fail(kind === "null" ? "NullPointerException" : "RuntimeException", "Cannot set '" + str(key) + "' of " + str(object).slice(0, 60));
    return value;
  };

  const casts = {
    int: toInteger, Integer: toInteger, long: toInteger, Long: toInteger, short: toInteger, double: toDecimal, Double: toDecimal, float: toDecimal,
    Float: toDecimal, BigDecimal: toDecimal, BigInteger: toInteger, String: str, boolean: truth, Boolean: truth, List: items, Object: (v) => v,
  };
  const kinds = {
    String: (v) => typeof v === "string", CharSequence: (v) => typeof v === "string", List: isList, Collection: isList, Map: isMap, Date: isDate,
    Number: (v) => ["number", "bigint"].includes(typeof v), Integer: (v) => Number.isInteger(v), Long: (v) => Number.isInteger(v),
    Double: (v) => typeof v === "number", BigDecimal: (v) => typeof v === "number", Boolean: (v) => typeof v === "boolean", Object: (v) => kindOf(v) !== "null",
  };
  const javaNames = { TypeError: "NullPointerException", ReferenceError: "MissingPropertyException", RangeError: "IllegalArgumentException" };
  const anyError = ["Exception", "Throwable", "RuntimeException"];
  const catches = (error, types) => types.some((type) => anyError.includes(type) || error.name === type || javaNames[error.name] === type);

  const uuid = () => "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () => Math.floor(Math.random() * 16).toString(16));
  class Random {
    nextInt(bound) { return Math.floor(Math.random() * (bound ?? 2147483647)); }
    nextDouble() { return Math.random(); }
    nextBoolean() { return Math.random() < 0.5; }
  }
  const made = {
    Date: (...args) => new Date(...args), Random: () => new Random(), ArrayList: (from) => items(from).slice(), LinkedList: (from) => items(from).slice(),
    HashMap: (from) => ({ ...from }), LinkedHashMap: (from) => ({ ...from }), TreeMap: (from) => ({ ...from }), BigDecimal: toDecimal, BigInteger: toInteger,
    Integer: toInteger, Long: toInteger, Double: toDecimal, String: (s = "") => str(s), Object: () => ({}), StringBuilder: (s = "") => str(s),
  };
  const exception = (name) => global[name] && global[name].prototype instanceof Error ? global[name]
    : { [name]: class extends Error { get name() { return name; } } }[name];
  const make = (name, args) => own(made, name) ? made[name](...args) : new (exception(name))(...(args.length ? args.map(str) : []));

  const offered = {
    Integer: { parseInt: toInteger, valueOf: toInteger, toString: str, MAX_VALUE: 2147483647, MIN_VALUE: -2147483648 },
    Long: { parseLong: toInteger, valueOf: toInteger, toString: str, MAX_VALUE: 2n ** 63n - 1n },
    Double: { parseDouble: toDecimal, valueOf: toDecimal, toString: str }, Float: { parseFloat: toDecimal, valueOf: toDecimal },
    Boolean: { parseBoolean: (s) => str(s).toLowerCase() === "true", valueOf: (s) => str(s).toLowerCase() === "true", TRUE: true, FALSE: false },
    BigDecimal: { valueOf: toDecimal, ZERO: 0, ONE: 1, TEN: 10 }, String: { valueOf: str, join: (by, ...parts) => parts.flat().map(str).join(by) },
    UUID: { randomUUID: uuid }, Objects: { equals: eq, isNull: (v) => kindOf(v) === "null", nonNull: (v) => kindOf(v) !== "null" },
    out: { println: (v) => print(str(v)), print: (v) => print(str(v)) },
    Math: Object.fromEntries(["abs", "ceil", "floor", "max", "min", "pow", "random", "round", "sqrt", "log", "exp", "signum", "PI", "E"].map(
      (name) => [name, name === "signum" ? Math.sign : Math[name]])),
  };
  for (const name of Object.keys(offered)) Object.defineProperty(global, name, { value: Object.freeze(offered[name]), configurable: true, writable: true });
  Object.defineProperty(global, "__g", { value: Object.freeze({
    ...Object.fromEntries(Object.keys(operators).map((sign) => [sign, operators[sign]])), chain, negate, plus: (v) => number(v, "+"), truth, str, get, call, at, put,
    range, items, catches, make, text: (...parts) => parts.map(str).join(""), map: (...pairs) => { const m = {}; for (const [k, v] of pairs) define(m, str(k), v); return m; },
    elvis: (v, other) => truth(v) ? v : other(), cast: (v, type) => kindOf(v) === "null" ? null : casts[type](v), isA: (v, type) => kinds[type](v),
    print: (v) => { print(str(v)); return null; }, global: (name) => { if (!(name in global)) throw new ReferenceError(name + " is not defined"); return global[name]; },
  }) });
})();
