/** What commands and pages do, in small: loads a package of many files, and fills memory that was not used before. Prints what it took. */
import 'yaml'

const kept = []
for (let i = 0; i < 200_000; i++) kept.push({ i, text: `x${i}` })
const { user, system } = process.cpuUsage()
// What is kept is named, so that it is.
process.stdout.write(String(kept.length && (user + system) / 1000))
