import { expect, test } from 'vitest'
import { clientSecretPlace, servicePrincipalPlace } from '../../src/vault/credentials.ts'
import { answerPlace } from '../../src/vault/refresh-claim.ts'
import { accessTokenPlace, refreshTokenPlace } from '../../src/vault/refresh-projection.ts'

test('B2 what was sealed yesterday opens tomorrow: the places of sealed values stay as they are', () => {
  expect([
    clientSecretPlace('1'),
    servicePrincipalPlace('2'),
    answerPlace('3'),
    refreshTokenPlace('4'),
    accessTokenPlace('5')
  ]).toEqual([
    ['client_secrets', '1', 'sealed'],
    ['service_principals', '2', 'secret_sealed'],
    ['refresh_journal', '3', 'answer'],
    ['grant_tokens', '4', 'refresh_token'],
    ['grant_tokens', '5', 'access_token']
  ])
})
