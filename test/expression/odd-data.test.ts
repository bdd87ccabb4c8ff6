/** Lists of one, empty lists, lists in lists and names that objects inherit, each against the reference evaluator. */
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import { compileExpression } from '../../src/expression/index.ts'

const INPUTS = [
  '{"a":[[1,2],[3]],"b":[{"c":[1]},{"c":[2,[3]]}],"toString":1,"x":{"__proto__":{"y":1},"constructor":5}}',
  '{"a":{"_jsonata_function":true,"b":1},"b":[],"x":[{"a":[]},{"a":[1]}]}',
  '{"a":[],"b":[[]],"x":null,"c":"t","d":["t"]}',
  '[{"a":[1,2]},{"a":3},{"b":{"c":[{"d":[1,[2]]}]}}]',
  '{"a":[[{"b":1},{"b":[2,3]}]],"b":{"c":[[{"d":4}]]},"c":"x"}',
  '{"__proto__":{"z":[1]},"a":[{"__proto__":[1,2]}]}',
  '{"a":[{"b":1}],"b":[1],"x":[{"a":[{"b":2}]}],"c":["t"]}',
  '{"a":[{"b":2},{"b":1},{"b":null}],"b":[2,1],"x":{"a":[{"b":1}]}}',
]
const EXPRESSIONS =
  `a.(b)  a.(b)[]  a.b  b.c  b.(c)  b.(c.d)  b.c.(d)  a.($)  a.($ + 1)  a.([$])  a.[1,2]  b.(c)[0]  x.__proto__
x.constructor  toString  a.toString  hasOwnProperty  a.(hasOwnProperty)  x.(a)  x.a.($)  a.{"k": $}  a.{"k": b}[]
c = "t"  d = "t"  a = "t"  nope = "t"  c[$ = "t"]  c & c  c & d  a & c  x & c  nope & c  a.(b & "x")
a.(\`__proto__\`)  $.a.(b)  $$.a.(b)  (a).(b)  a.b^(b)  a^($).($)  a#$i.($i)  a@$q.($q)  {"__proto__": c}  {"a": c, "b": nope}
a.(b).(c)  a[0].(b)  b.c[0].(d)  a.b{"x":$}  a.(nope)  nope.(a)  x.(y)  c.(a)  a.*.($)  a.($v := $; $v)
a^(b)  b^($)  {"k": a^(b)}  $type(a^(b))  a^(>b).b  x.a^(b)  $count(b^($))  a^(b)[0]  nope^(b)  a.(b)^($)`
    .split(/\n| {2}/)
    .filter(Boolean)

/** With what an array is, beside its items: whether it would be unwrapped further on. */
const shown = (value: unknown): string =>
  `${JSON.stringify(value)} ${Array.isArray(value) ? (value as { sequence?: boolean }).sequence === true : ''}`

test.each(EXPRESSIONS)('%s', async (source) => {
  const compiled = compileExpression(source)
  for (const text of INPUTS) {
    const wanted = await jsonata(source)
      .evaluate(JSON.parse(text))
      .then(shown, (error: { code: string }) => error.code)
    const got = await compiled.evaluate(JSON.parse(text)).then(shown, (error: { data: { jsonata?: string } }) => {
      const { jsonata: code } = error.data
      return code
    })
    expect(got, text).toBe(wanted)
  }
})
