/**
 * Texts that would run, hide, turn around, break out or break down if any place of the page took them for more than text.
 * Whatever runs sets `globalThis.hacked`. Kinds after the cheat sheets of OWASP on cross-site scripting and CSV injection and
 * the Unicode reports 9 and 36.
 */
const RUN = 'globalThis.hacked=1'

const MARKUP = [
  `<script>${RUN}</script>`,
  `<SCRIPT SRC=data:text/javascript,${RUN}></SCRIPT>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `</script><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `</textarea><script>${RUN}</script>`,
  `</style><script>${RUN}</script>`,
  `<img src=x onerror="${RUN}">`,
  `<img/src=x/onerror=${RUN}>`,
  `<img src="x\` \`<script>${RUN}</script>"\` \`>`,
  `<svg onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg' onload='${RUN}'/>#x"/></svg>`,
  `<math><mi xlink:href="javascript:${RUN}">x</mi></math>`,
  `<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>`,
  `<iframe src="javascript:parent.hacked=1"></iframe>`,
  `<object data="javascript:${RUN}"></object>`,
  `<embed src="javascript:${RUN}">`,
  `<base href="https://evil.example/">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${RUN}">`,
  `<link rel=stylesheet href="https://evil.example/x.css">`,
  `<style>*{display:none!important}</style>`,
  `<form action="javascript:${RUN}"><button autofocus>x</button></form>`,
  `<input autofocus onfocus=${RUN}>`,
  `<details open ontoggle=${RUN}>x</details>`,
  `<video><source onerror=${RUN}></video>`,
  `<a href="javascript:${RUN}">click</a>`,
  `<body onload=${RUN}>`,
  `<template><script>${RUN}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`,
  `<!--><img src=x onerror=${RUN}>-->`,
  `<![CDATA[<img src=x onerror=${RUN}>]]>`,
]

const BREAKING_OUT = [
  `" onmouseover="${RUN}" x="`,
  `' onfocus='${RUN}' autofocus x='`,
  `javascript:${RUN}`,
  `JaVaScRiPt:${RUN}`,
  `java\tscript:${RUN}`,
  `data:text/html,<script>${RUN}</script>`,
  `//evil.example/x`,
  `{{constructor.constructor('${RUN}')()}}`,
  `\${${RUN}}`,
  `<%= ${RUN} %>`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;script&#62;${RUN}&#60;/script&#62;`,
  `%3Cscript%3E${RUN}%3C/script%3E`,
  `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`,
  `../../../etc/passwd`,
  `?name=x&id=1#<script>`,
  `'; drop table record; --`,
]

const NAMES_OF_PROTOTYPES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

const UNSEEN = [
  'invoice\u202egnp.exe',
  '\u2066\u202epaid\u2069 not ',
  'ad\u200bmin',
  '\ufeffbom',
  'z\u0301\u0302\u0303'.repeat(200),
  '\u05e9\u05dc\u05d5\u05dd 123 \u0645\u0631\u062d\u0628\u0627',
  'line\u2028separator\u2029paragraph',
  'tab\tnew\nline\rreturn',
  'bell\u0007escape\u001b[31mred',
]

const FORMULAS = [`=HYPERLINK("https://evil.example","x")`, `+1+cmd|' /C calc'!A0`, `@SUM(1+1)`, `-2+3`]

const LONG = ['x'.repeat(900), 'ﷺ'.repeat(120), '🧨'.repeat(300)]

/** All of them, at least sixty. */
export const PAYLOADS: readonly string[] = [
  ...MARKUP,
  ...BREAKING_OUT,
  ...NAMES_OF_PROTOTYPES,
  ...UNSEEN,
  ...FORMULAS,
  ...LONG,
]
