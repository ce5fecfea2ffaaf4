import { Alert, Stack } from '@mantine/core'
import { Guide, GuideStep } from '../../parts/guide.tsx'
import { AppDetails } from './app-details.tsx'
import { AppRemoval } from './app-removal.tsx'
import type { App } from './app-status.tsx'
import { AppUse } from './app-use.tsx'
import { ClientForm } from './client-form.tsx'
import { RegisterStep } from './register-step.tsx'
import { VerifyStep } from './verify-step.tsx'

interface Props {
  readonly app: App
  readonly onGone: () => void
}

/** One OAuth client: register it, paste what Databricks gives, verify; then what else there is to it. */
export function OAuthApp({ app, onGone }: Props) {
  const hasClient = app.clientId !== null && app.clientSecrets.length > 0
  const isVerified = app.lastVerification?.ok === true
  return (
    <Stack gap="lg">
      {app.isDisabled && (
        <Alert color="yellow" variant="light" title="This application is disabled">
          Nobody signs in by it, and calls as a person are refused. Sign-ins rest until it is
          enabled again, at the end of this page.
        </Alert>
      )}
      <Guide>
        <GuideStep
          number={1}
          title="Register Weft in the Databricks account"
          isDone={hasClient}
          isNext={!hasClient}
          content={<RegisterStep app={app} isDone={hasClient} />}
        >
          {hasClient
            ? 'This address is registered there. Nothing is left to do.'
            : 'An account admin adds a connection with this address. Send them this page, or do it yourself.'}
        </GuideStep>
        <GuideStep
          number={2}
          title="Paste the client ID and secret"
          isDone={hasClient}
          isNext={!hasClient}
          content={<ClientForm app={app} />}
        >
          Databricks shows both when the connection is saved. Weft encrypts the secret and never
          shows it again.
        </GuideStep>
        <GuideStep
          number={3}
          title="Verify"
          isDone={isVerified}
          isNext={hasClient && !isVerified}
          content={<VerifyStep app={app} isReady={hasClient} />}
        >
          Weft asks a workspace whether all of it is right. Nobody signs in and nothing is changed.
        </GuideStep>
      </Guide>
      {hasClient && <AppUse app={app} />}
      <AppDetails app={app} />
      <AppRemoval app={app} onGone={onGone} />
    </Stack>
  )
}
