import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { run } from './process.ts'

export type TlsFiles = { ca: string; certificate: string; key: string }

/** A private CA and a certificate for localhost and 127.0.0.1, made once per folder. */
export async function tlsFiles(folder: string): Promise<TlsFiles> {
  const at = (name: string) => path.join(folder, name)
  const files = { ca: at('ca.crt'), certificate: at('server.crt'), key: at('server.key') }
  if (existsSync(files.certificate)) return files
  mkdirSync(folder, { recursive: true })
  const newKey = ['-newkey', 'rsa:2048', '-nodes', '-keyout']
  const ca = ['-x509', '-days', '30', '-subj', '/CN=Causeway test CA', '-out', files.ca]
  await run(['openssl', 'req', ...newKey, at('ca.key'), ...ca])
  await run(['openssl', 'req', ...newKey, files.key, '-subj', '/CN=localhost', '-out', at('server.csr')])
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const signer = ['-CA', files.ca, '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30']
  const request = ['-req', '-in', at('server.csr'), '-extfile', at('names'), '-out', files.certificate]
  await run(['openssl', 'x509', ...request, ...signer])
  return files
}
