import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useEffect, useRef } from 'react'
import { type StepId, stepBeside, steps } from './steps.ts'
import './fabric-wizard.css'

interface Props {
  readonly step: StepId
  /** How far one can go by the list of steps. */
  readonly reached: StepId
  readonly description: ReactNode
  readonly next: string
  readonly isBusy: boolean
  readonly onNext: () => void
  readonly onStep: (step: StepId) => void
  readonly aside?: ReactNode
  readonly children: ReactNode
}

const indexOf = (step: StepId) => steps.findIndex(({ id }) => id === step)

/** One step of the way: where one is, what to do here, back and on. */
export function StepFrame(props: Props) {
  const { step, onStep } = props
  const at = indexOf(step)
  const heading = useRef<HTMLHeadingElement>(null)
  const shown = useRef(step)
  // Who reads by ear is told that the step is another one.
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus()
    shown.current = step
  }, [step])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    props.onNext()
  }
  return (
    <div className="wizard">
      <nav aria-label="Steps">
        <Text size="sm" fw={600} className="wizard-brief">
          Step {at + 1} of {steps.length}
        </Text>
        <ol className="wizard-steps">
          {steps.map(({ id, words }, index) => {
            const state = index < at ? 'done' : index === at ? 'now' : 'later'
            return (
              <li key={id} data-state={state}>
                <button
                  type="button"
                  aria-current={state === 'now' ? 'step' : undefined}
                  disabled={index > indexOf(props.reached)}
                  onClick={() => onStep(id)}
                >
                  <span className="wizard-number" aria-hidden>
                    {state === 'done' ? <IconCheck size={14} stroke={2.6} /> : index + 1}
                  </span>
                  <span className="wizard-words">{words}</span>
                </button>
              </li>
            )
          })}
        </ol>
      </nav>
      <form className="card wizard-card" onSubmit={submit} noValidate>
        <Stack gap="xl">
          <Stack gap={4}>
            <Title order={2} ref={heading} tabIndex={-1} className="wizard-heading">
              {steps[at]?.words}
            </Title>
            <Text size="sm" c="dimmed">
              {props.description}
            </Text>
          </Stack>
          {props.children}
          <Group gap="sm" className="wizard-foot">
            {at > 0 && (
              <Button variant="default" onClick={() => onStep(stepBeside(step, -1))}>
                Back
              </Button>
            )}
            <div className="wizard-aside">{props.aside}</div>
            <Button type="submit" loading={props.isBusy}>
              {props.next}
            </Button>
          </Group>
        </Stack>
      </form>
    </div>
  )
}
