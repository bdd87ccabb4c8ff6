export { serveOverStdio } from './stdio.ts'
