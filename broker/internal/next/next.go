package next

// Emit is the variable of the environment with which the next version emits its new version of an event.
const Emit = "NEXT_EMIT"

// Version is the number of its migration, far behind those of this tree.
const Version = 9001

// Program is what it writes into its column.
const Program = "next-program"
