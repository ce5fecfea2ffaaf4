import { Text } from '@mantine/core'
import './usage.css'

export interface Bar {
  readonly label: string
  readonly value: number
  /** Of the value; drawn above it in another pattern. */
  readonly part?: number
}

interface Props {
  readonly title: string
  readonly total: string
  readonly bars: readonly Bar[]
  readonly format: (value: number) => string
}

const width = 320
const height = 96
const gap = 2

/** Bars by day, for the eye; the table below them says the same to everybody. */
export function Chart({ title, total, bars, format }: Props) {
  const most = Math.max(1, ...bars.map(({ value }) => value))
  const step = width / Math.max(1, bars.length)
  const heightOf = (value: number) => (value === 0 ? 0 : Math.max(2, (value / most) * height))
  return (
    <figure className="card chart">
      <figcaption>
        <Text span size="sm" c="dimmed">
          {title}
        </Text>
        <Text span size="xl" fw={600}>
          {total}
        </Text>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {bars.map(({ label, value, part = 0 }, at) => (
          <g key={label}>
            <title>{`${label}: ${format(value)}`}</title>
            <rect className="chart-ground" x={at * step} width={step} height={height} />
            <rect
              className="chart-bar"
              x={at * step + gap / 2}
              width={Math.max(1, step - gap)}
              y={height - heightOf(value)}
              height={heightOf(value)}
              rx={1}
            />
            {part > 0 && (
              <rect
                className="chart-part"
                x={at * step + gap / 2}
                width={Math.max(1, step - gap)}
                y={height - heightOf(part)}
                height={heightOf(part)}
                rx={1}
              />
            )}
          </g>
        ))}
      </svg>
      <div className="chart-ends">
        <Text span size="xs" c="dimmed">
          {bars[0]?.label}
        </Text>
        <Text span size="xs" c="dimmed">
          {bars.at(-1)?.label}
        </Text>
      </div>
    </figure>
  )
}
