// What our scripts leave for each other.
declare var stripeCalls: unknown;
