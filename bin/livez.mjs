/**
 * The probe of a container: `node livez.mjs [PORT]` ends with 0 while the process that listens there says it is alive. A file, because
 * some engines hand the words of a health check to a shell, which stumbles over a program written between them.
 */
const port = process.argv[2] || process.env.CAUSEWAY_PORT || '4000'
const isAlive = await fetch(`http://127.0.0.1:${port}/livez`).then(
  ({ ok }) => ok,
  () => false,
)
process.exit(isAlive ? 0 : 1)
