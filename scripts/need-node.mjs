// Plain JavaScript that any Node can read: the first line of every script, so that an older Node ends with one sentence.
const WANTED = '24.7'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(
    `Causeway needs Node ${WANTED}, this is ${process.version}: run it through npm (\`npm start\`, \`npm test\`), which uses the ` +
      'Node installed by `npm ci`; if that did not help, `npm ci` ran with --ignore-scripts, so run `npm rebuild node`.',
  )
  process.exit(2)
}
