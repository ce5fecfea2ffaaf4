import { Checkbox, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { formErrors } from '../../api/form-errors.ts'
import { pathOf } from '../../api/prefix.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Choice } from '../../parts/choice.tsx'
import { FormButtons } from '../../parts/form-buttons.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { toast } from '../../parts/toast.ts'
import type { AccountProps, Identity } from './account-props.ts'
import { claimsIn, claimsText, keysIn, type Platform, platforms, presets } from './platforms.ts'

interface Props extends AccountProps {
  /** What is changed; null: one more. */
  readonly identity: Identity | null
  readonly onClose: () => void
}

const needed = (words: string) => (value: string) => (value.trim() === '' ? words : null)
const names = ['name', 'issuer', 'audience', 'subject', 'claims', 'jwks']

/** Whose tokens: presets of the usual platforms, and the conditions that each token has to meet. */
export function IdentityForm({ account, identity, onClose }: Props) {
  const path = { serviceAccountId: account.id }
  const [platform, setPlatform] = useState<Platform>(identity === null ? 'kubernetes' : 'other')
  const preset = presets[platform]
  const create = useCall('federatedIdentityCreate', ['federatedIdentityList', 'serviceAccountGet'])
  const update = useCall('federatedIdentityUpdate', ['federatedIdentityList', 'serviceAccountGet'])
  const form = useForm({
    initialValues: {
      name: identity?.name ?? '',
      issuer: identity?.issuer ?? '',
      audience: identity?.audience ?? location.origin + pathOf(''),
      subject: identity?.subject ?? '',
      claims: claimsText(identity?.claims ?? {}),
      jwks: identity?.jwks ? JSON.stringify(identity.jwks) : '',
      oneUse: identity?.oneUse ?? false
    },
    validate: {
      name: needed('Give it a name'),
      issuer: needed('The iss of its tokens'),
      audience: needed('The aud of its tokens'),
      claims: (text) => (claimsIn(text) === null ? 'One condition a line: claim = pattern' : null),
      jwks: (text) => (keysIn(text) === null ? 'A JSON object with “keys”' : null)
    }
  })
  const choose = (next: Platform) => {
    const isUntouched = Object.values(presets).some(({ issuer }) => issuer === form.values.issuer)
    if (isUntouched || form.values.issuer === '') form.setFieldValue('issuer', presets[next].issuer)
    setPlatform(next)
  }
  const options = {
    onSuccess: () => {
      toast('The identity is saved')
      onClose()
    },
    onError: (error: Error) => form.setErrors(formErrors(error, names))
  }
  const submit = form.onSubmit(({ subject, claims, jwks, ...given }) => {
    const wanted = claimsIn(claims) ?? {}
    const keys: Schemas['PublicKeys'] | undefined = keysIn(jwks) ?? undefined
    const body = { ...given, subject: subject === '' ? null : subject, ...(keys && { jwks: keys }) }
    if (identity === null)
      return create.mutate({ path, body: { ...body, claims: wanted } }, options)
    const gone = Object.keys(identity.claims).filter((claim) => !(claim in wanted))
    const patch = { ...wanted, ...Object.fromEntries(gone.map((claim) => [claim, null])) }
    update.mutate(
      {
        path: { ...path, federatedIdentityId: identity.id },
        body: { ...body, claims: patch, version: identity.version }
      },
      options
    )
  })
  const error = create.error ?? update.error
  return (
    <Modal
      opened
      onClose={onClose}
      title={identity === null ? 'Add a federated identity' : `Change ${identity.name}`}
      size="lg"
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          {identity === null && (
            <Choice label="Platform" options={platforms} value={platform} onChange={choose} />
          )}
          <Text size="sm" c="dimmed">
            {preset.words}
          </Text>
          <TextInput label="Name" data-autofocus maxLength={120} {...form.getInputProps('name')} />
          <TextInput
            label="Issuer"
            placeholder={preset.issuerLike}
            {...form.getInputProps('issuer')}
          />
          <TextInput
            label="Audience"
            description="Ask for tokens with this audience, so that nobody else’s fit."
            {...form.getInputProps('audience')}
          />
          <TextInput
            label="Subject"
            description="* stands for any letters; mind what it may cover."
            placeholder={preset.subjectLike}
            {...form.getInputProps('subject')}
          />
          <Textarea
            label="Further claims"
            description="One a line; a JSON pointer for what lies deeper. All have to match."
            placeholder={preset.claimsLike}
            autosize
            minRows={2}
            {...form.getInputProps('claims')}
          />
          <Textarea
            label="Keys of the issuer"
            description="Only where Weft cannot reach it: the JSON Web Key Set, public keys alone."
            placeholder='{ "keys": [ … ] }'
            {...form.getInputProps('jwks')}
          />
          <Checkbox
            label="Take each token once only"
            {...form.getInputProps('oneUse', { type: 'checkbox' })}
          />
          {error && <ProblemView error={error} />}
          <FormButtons
            action={identity === null ? 'Add the identity' : 'Save'}
            isPending={create.isPending || update.isPending}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Modal>
  )
}
