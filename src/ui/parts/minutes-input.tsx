import { NumberInput, type NumberInputProps } from '@mantine/core'

/** `720` → `12 hours`. */
function minutesInWords(minutes: number): string {
  const [size, unit] = minutes % 1_440 === 0 ? [1_440, 'day'] : [60, 'hour']
  const count = Math.round((minutes / size) * 10) / 10
  return `That is ${count} ${unit}${count === 1 ? '' : 's'}.`
}

interface Props extends NumberInputProps {
  /** What it means that nothing is given. */
  readonly none?: string
}

/** Minutes, as the API takes them, and how long that is. */
export function MinutesInput({ none, ...props }: Props) {
  const minutes = Number(props.value)
  return (
    <NumberInput
      suffix=" minutes"
      allowDecimal={false}
      hideControls
      description={minutes > 0 ? minutesInWords(minutes) : none}
      {...props}
    />
  )
}
