import type { Command, ProcessCommand } from './command.ts'

type Listed = Pick<Command | ProcessCommand, 'name' | 'options'>

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A script for the shell to read, which completes groups, verbs and options of `weft`. */
export function completionFor(shell: Shell, commands: readonly Listed[]): string {
  return shell === 'fish' ? fishScript(commands) : bashScript(commands, shell === 'zsh')
}

/** zsh takes bash's completions once it is asked to. */
function bashScript(commands: readonly Listed[], isZsh: boolean): string {
  const groups = groupsOf(commands)
  const first = [...groups.keys(), '--help', '--version'].join(' ')
  const verbs = [...groups].filter(([, names]) => names.length > 0)
  return [
    ...(isZsh ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_weft() {',
    '  local words=',
    `  case "\${COMP_WORDS[*]:1:COMP_CWORD-1}" in`,
    `    '') words='${first}' ;;`,
    ...verbs.map(([group, names]) => `    '${group}') words='${names.join(' ')}' ;;`),
    ...commands.map(({ name, options }) => `    '${name}'*) words='${optionsOf(options)}' ;;`),
    '  esac',
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -F _weft weft',
    ''
  ].join('\n')
}

function fishScript(commands: readonly Listed[]): string {
  const groups = [...groupsOf(commands)].flatMap(([group, verbs]) => [
    `complete -c weft -n __fish_use_subcommand -a ${group}`,
    ...verbs.map((verb) => `complete -c weft -n '__fish_seen_subcommand_from ${group}' -a ${verb}`)
  ])
  const options = commands.flatMap(({ name, options }) => {
    const words = name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`)
    const names = optionsOf(options).replaceAll('--', '').split(' ')
    return names.map((option) => `complete -c weft -n '${words.join('; and ')}' -l ${option}`)
  })
  return ['complete -c weft -f', ...groups, ...options, ''].join('\n')
}

function optionsOf(options: Listed['options']): string {
  return [...Object.keys(options), 'json', 'help'].map((name) => `--${name}`).join(' ')
}

/** Groups with their verbs; a command of one word has none. */
function groupsOf(commands: readonly Listed[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { name } of commands) {
    const [group = '', ...verb] = name.split(' ')
    groups.set(group, [...(groups.get(group) ?? []), ...verb])
  }
  return groups
}
