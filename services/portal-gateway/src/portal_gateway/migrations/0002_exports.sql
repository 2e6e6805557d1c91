-- Whoever makes an export knows that it is running.
DROP TABLE one_at_a_time;
