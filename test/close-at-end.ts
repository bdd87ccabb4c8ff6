/** Set-up of every test file, which vitest runs anew for each, also where modules are shared. */
import { afterAll } from 'vitest'
import { closeAll } from './end-of-file.ts'

afterAll(closeAll)
