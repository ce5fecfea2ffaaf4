import { expect, test } from 'vitest'
import { clientSecretPlace } from '../../src/vault/client-secrets.ts'
import { answerPlace } from '../../src/vault/refresh-claim.ts'
import { accessTokenPlace, refreshTokenPlace } from '../../src/vault/refresh-projection.ts'

test('B2 what was sealed yesterday opens tomorrow: the places of sealed values stay as they are', () => {
  expect([
    clientSecretPlace({ id: 'sec_1', fabricId: null }),
    clientSecretPlace({ id: 'sec_1', fabricId: 'fab_2' }),
    clientSecretPlace({ id: 'sec_2', fabricId: 'fab_2' }),
    answerPlace('3'),
    refreshTokenPlace('4'),
    accessTokenPlace('5')
  ]).toEqual([
    ['client_secrets', 'sec_1', 'sealed'],
    ['client_secrets', 'sec_1', 'sealed'],
    ['service_principals', 'fab_2', 'secret_sealed'],
    ['refresh_journal', '3', 'answer'],
    ['grant_tokens', '4', 'refresh_token'],
    ['grant_tokens', '5', 'access_token']
  ])
})
