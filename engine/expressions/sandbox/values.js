// Values that JSON does not know, on their way in and out as [kind, content]; and what is made of the rest.
(function (run) {
  "use strict";
  const { TheDate, TheError, text, stringify, parse, fromEntries } = run;
  // A date in the script is one of the moved clock.
  run.surroundings();
  const read = ([kind, content]) => (kind === "date" ? new TheDate(content) : kind === "big" ? BigInt(content) : Uint8Array.from(content));
  const plain = (key, value) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("a result is not a finite number");
    if (typeof value === "bigint") return Number(value);
    if (value instanceof Map) return fromEntries(value);
    return value instanceof Set ? [...value] : value;
  };
  const write = (value) => {
    if (typeof value === "function" || typeof value === "symbol" || value instanceof Promise) return ["value", null];
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
  return { read, write };
})
