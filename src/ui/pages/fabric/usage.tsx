import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function Usage({ fabric }: TabProps) {
  return <Title order={2}>Usage of {fabric.name}</Title>
}
