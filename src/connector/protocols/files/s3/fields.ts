/** What a manifest says about files in an object store. */
import { part, template, type ValueOf } from '../../../language/index.ts'
import { connectorFields } from '../../s3/fields.ts'

const { endpoint, bucket, path_style, auth, checksum, conditional, part_size, limits } = connectorFields

export const storePart = part({
  title: 'Object store',
  sense: 'The files are objects of a bucket.',
  fields: {
    ...{ endpoint, bucket, path_style, auth, checksum },
    conditional: {
      ...conditional,
      sense:
        'Replaces a file only where it is still the one that was read (`If-Match`, `If-None-Match`). Switch it off for stores that refuse it; then one process of the hub alone may write.',
    },
    ...{ part_size, limits },
    prefix: template({
      sense: 'What stands before the name of each file, such as `exchange/`.',
      names: ['settings'],
      default: '',
    }),
  },
  example: `
s3:
  endpoint: https://s3.eu-central-1.amazonaws.com
  bucket: exchange
  auth: { region: eu-central-1, access_key: "\${ settings.user }", secret_key: "\${ settings.password }" }
`,
})
export type StoreSpec = ValueOf<typeof storePart>
