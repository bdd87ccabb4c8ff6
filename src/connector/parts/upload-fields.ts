/** Uploads in parts, as a manifest describes them: begin, send, ask what arrived, finish. */
import { choice, data, expression, flag, integer, part, section, template, text } from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { type Method, requestFields, signedField } from './request.ts'

const DIGESTS = ['md5', 'sha1', 'sha256'] as const
const SEEN = [...ANSWER_NAMES, 'session', 'file'] as const

const acceptedField = {
  accepted: expression({
    sense: 'True for an answer that is no failure here although its status says so.',
    names: SEEN,
    example: 'status = 308',
  }),
}
const requestOf = (names: readonly string[], method: Method) => ({
  ...requestFields(names, method),
  ...signedField,
  ...acceptedField,
})

const startPart = (names: readonly string[]) =>
  part({
    title: 'Start of an upload',
    sense: 'The request that begins an upload.',
    fields: {
      ...requestOf(names, 'POST'),
      keep: data({
        sense:
          'What the other requests need of its answer, as `session`. It is kept, encrypted, until the upload is done, so that a hub that was killed goes on with it.',
        names: SEEN,
        required: true,
        example: { url: '$' + '{ response.uploadUrl }' },
      }),
      idempotent: flag({
        sense:
          'Beginning twice does no harm. Leave it out where the first request already makes the record: a lost answer is then looked up.',
        default: false,
      }),
    },
  })

const partPart = (names: readonly string[]) =>
  part({
    title: 'Part of an upload',
    sense:
      'The request that carries bytes as its body. `part` has number (from 1), index (from 0), first, last, size, is_last, and digest where one is asked for.',
    fields: {
      ...requestOf(names, 'PUT'),
      offset: expression({
        sense: 'How many bytes of the file the system now has, where its answer says so.',
        names: SEEN,
        example: '$number($substringAfter(headers.range, "-")) + 1',
      }),
      keep: expression({
        sense: 'What `commit` needs of the answer to each part: its list is `parts`.',
        names: [...SEEN, 'part'],
        example: 'response.part',
      }),
    },
  })

const progressPart = (names: readonly string[]) =>
  part({
    title: 'Progress of an upload',
    sense: 'The request that tells what arrived before a cut. A 404 or 410 means that the upload has to begin anew.',
    fields: {
      ...requestOf(names, 'GET'),
      offset: expression({
        sense: 'How many bytes of the file the system has; no value counts as none.',
        names: SEEN,
        required: true,
        example: '$number($substringBefore(response.nextExpectedRanges[0], "-"))',
      }),
      parts: expression({ sense: 'The list of parts it has, for `commit`.', names: SEEN, example: 'response.entries' }),
      finished: expression({
        sense: 'True where the file is already complete; the answer then counts as that to the last part.',
        names: SEEN,
        example: 'status = 200',
      }),
    },
  })

const commitPart = (names: readonly string[]) =>
  part({
    title: 'End of an upload',
    sense: 'The request that makes the file of its parts; its answer counts as the answer of the operation.',
    fields: {
      ...requestOf(names, 'POST'),
      again: expression({
        sense: 'True where the system is not ready yet; it is asked again after a moment, or when it says.',
        names: SEEN,
        example: 'status = 202',
      }),
    },
  })

/** Fields of a form that carries bytes, after the fields of the record. */
export const formFields = (names: readonly string[]) => ({
  file: text({ sense: 'Name of the part that holds the bytes.', default: 'file' }),
  fields: data({ sense: 'The parts before it. A mapping or list travels as JSON.', names: [...names, 'file'] }),
  name: template({
    sense: 'The file name given with the bytes; default: the name of the source.',
    names: [...names, 'file'],
  }),
})

export const uploadSessionPart = (names: readonly string[]) => {
  const known = [...new Set([...names, 'id', 'file'])]
  const inside = [...known, 'session']
  return part({
    title: 'Upload in parts',
    sense:
      'The bytes travel in parts, and an upload that was cut, or whose hub was killed, goes on where it ended. Without `part_size` all bytes are one part, which is streamed (an address to upload to that is asked for first, and reported to at the end). Contents of at most `whole_up_to` bytes go as the body of the operation’s own request.',
    fields: {
      whole_up_to: integer({
        sense: 'Largest size that goes as the body of the request of the operation itself. 0: empty files only.',
        default: 0,
        minimum: 0,
      }),
      part_size: integer({
        sense: 'Bytes of each part but the last. A part is held in memory.',
        minimum: 1,
        maximum: 64 * 1024 * 1024,
        example: 10_485_760,
      }),
      part_size_from: expression({
        sense: 'How large the parts are where the system decides it, from what `start` keeps.',
        names: ['session', 'settings'],
        example: 'session.part_size',
      }),
      form: section(
        part({
          title: 'Form for small files',
          sense:
            'The request of the operation is `multipart/form-data`: the fields in the order they stand here, then the bytes.',
          fields: formFields(names),
        }),
        { sense: 'Where small contents go in a form instead.' },
      ),
      digest: choice(DIGESTS, {
        sense:
          'A digest of the whole file for `commit` and `verify`: `file.digest` in base64, `file.digest_hex`. An upload that goes on then reads the file from its beginning once more.',
      }),
      part_digest: choice(DIGESTS, { sense: 'A digest of each part: `part.digest` in base64, `part.digest_hex`.' }),
      start: section(startPart(known), { sense: 'Begins the upload.', required: true }),
      part: section(partPart([...inside, 'part']), { sense: 'Carries the bytes.', required: true }),
      progress: section(progressPart(inside), {
        sense: 'Asks what arrived. Without it the last part that was answered for counts.',
      }),
      commit: section(commitPart([...inside, 'parts']), { sense: 'Ends the upload. Without it the last part does.' }),
      verify: expression({
        sense: 'True when the file arrived as it was sent, judged by the last answer. Otherwise it is sent again.',
        names: SEEN,
        example: 'response.size = file.size',
      }),
    },
    check: (upload) => [
      ...(upload.progress && upload.part_size === undefined
        ? [{ field: 'progress', message: 'an upload in one part cannot go on', fix: 'Add `part_size`.' }]
        : []),
      ...(upload.part_digest && upload.part_size === undefined
        ? [{ field: 'part_digest', message: 'the only part is not held in memory', fix: 'Add `part_size`.' }]
        : []),
      ...(upload.part_size_from && upload.part_size === undefined
        ? [
            {
              field: 'part_size_from',
              message: 'nothing says how large parts are where the system does not',
              fix: 'Add `part_size`.',
            },
          ]
        : []),
      ...(upload.form && upload.whole_up_to === 0
        ? [{ field: 'form', message: 'no content is small enough for it', fix: 'Add `whole_up_to`.' }]
        : []),
    ],
    example: EXAMPLE,
  })
}

const EXAMPLE = `
content:
  kind: session
  part_size: 10485760
  start:
    path: "/items/\${ id }/upload"
    body: { size: "\${ file.size }" }
    keep: { url: "\${ response.uploadUrl }" }
  part:
    url: "\${ session.url }"
    signed: true
    headers: { Content-Range: "bytes \${ part.first }-\${ part.last }/\${ file.size }" }
  progress:
    url: "\${ session.url }"
    signed: true
    offset: $number($substringBefore(response.nextExpectedRanges[0], "-"))
  verify: response.size = file.size
`
