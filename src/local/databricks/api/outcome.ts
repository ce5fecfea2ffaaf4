export interface Column {
  readonly name: string
  readonly type_text: string
  readonly type_name: string
}

/** What a statement comes to; `endless` runs until it is canceled. */
export type Outcome =
  | {
      readonly kind: 'rows'
      readonly columns: readonly Column[]
      readonly rows: readonly (readonly (string | null)[])[]
      readonly isTruncated: boolean
    }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'endless' }
  | { readonly kind: 'failed'; readonly message: string; readonly sqlState: string }
