import { expect, test } from 'vitest'
import { serverSettings, sharedBuffers } from '../../src/store/embedded/settings.ts'

const GB = 2 ** 30

test('the embedded server keeps an eighth of the memory there is, between bounds', () => {
  expect([0.5, 1, 4, 16, 64].map((gigabytes) => sharedBuffers(gigabytes * GB))).toEqual([
    '128MB',
    '128MB',
    '512MB',
    '2048MB',
    '2048MB',
  ])
  expect(serverSettings(5432, true)).toContain(`shared_buffers=${sharedBuffers()}`)
})
