import { postgresBackend } from './backends.ts'
import { queueContract } from './contract.ts'

queueContract('Postgres', postgresBackend)
