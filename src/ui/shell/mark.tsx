/** Weft's mark: threads over and under. */
export function Mark({ size }: { readonly size: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      strokeWidth="3.2"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <rect width="32" height="32" rx="8" fill="#3b5bdb" />
      <path d="M8 9v14M16 9v3M16 20v3M24 9v14" stroke="#fff" />
      <path d="M12.5 16h7" stroke="#bac8ff" />
    </svg>
  )
}
