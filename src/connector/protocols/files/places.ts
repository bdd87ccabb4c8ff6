/** Opens the place a connection's manifest names. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import { asText, type Template } from '../../language/index.ts'
import type { ProtocolContext } from '../contract.ts'
import type { FilesConnector, FilesStream } from './fields.ts'
import { localPlace } from './local.ts'
import type { FilePlace } from './place.ts'
import { storePlace } from './s3/place.ts'
import { SftpConnection, type SftpTarget } from './sftp/connection.ts'
import type { SftpSpec } from './sftp/fields.ts'
import { trustedKeys } from './sftp/host-key.ts'
import { sftpPlace } from './sftp/place.ts'

type Context = ProtocolContext<FilesConnector, FilesStream>
type Options = { create: boolean; signal: AbortSignal }

/** The file `name` in the folder, on the server or in the bucket of a connection; the caller closes it. */
export async function placeOf(context: Context, name: string, { create, signal }: Options): Promise<FilePlace> {
  const { spec, settings } = context
  if (spec.sftp) return onServer(context, spec.sftp, name, { create, signal })
  if (spec.s3) {
    const mediaType = spec.format === 'csv' ? 'text/csv' : 'application/x-ndjson'
    const file = { prefix: textOf(spec.s3.prefix, settings) ?? '', name, mediaType }
    return storePlace({ ...context, spec: spec.s3 }, file, signal)
  }
  return localPlace(textOf(spec.folder, settings) ?? '', name, { create })
}

async function onServer(context: Context, spec: SftpSpec, name: string, options: Options): Promise<FilePlace> {
  const { outbound, settings } = context
  const connection = await SftpConnection.open(outbound.dialler, targetOf(context, spec), options.signal)
  try {
    return await sftpPlace(connection, textOf(spec.folder, settings) ?? '.', name, options)
  } catch (error) {
    connection.close()
    throw error
  }
}

function targetOf({ connection, settings }: Context, spec: SftpSpec): SftpTarget {
  const port = Number(textOf(spec.port, settings))
  const target = {
    host: textOf(spec.host, settings) ?? '',
    port,
    user: textOf(spec.user, settings) ?? '',
    password: textOf(spec.password, settings),
    privateKey: textOf(spec.private_key, settings),
    passphrase: textOf(spec.passphrase, settings),
    trusted: trustedKeys(textOf(spec.host_key, settings) ?? '', connection),
    timeoutMs: spec.timeout_seconds * 1000,
  }
  const fault =
    target.host === ''
      ? 'has no host'
      : !Number.isInteger(port) || port < 1 || port > 65_535
        ? 'has no valid port'
        : target.password === null && target.privateKey === null
          ? 'has neither password nor private key'
          : null
  if (fault) throw new CausewayError('CSW-2005', { what: `Connection ${connection} ${fault}.` })
  return target
}

/** Null where nothing is given: a setting without value counts as left out. */
function textOf(from: Template | undefined, settings: JsonObject): string | null {
  const value = from?.evaluate({ settings })
  return value === undefined || value === null || value === '' ? null : asText(value)
}
