/** The most classes of a model: a checkpoint names them all, and its JSON has a bound. */
export const mostClasses = 1_000_000;
