"""PostgreSQL and NATS for a lesson, from wherever they can be had."""
