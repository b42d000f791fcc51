-- A part of an alias's calls that goes to another version, as JSON; absent where all go to one.

ALTER TABLE aliases ADD COLUMN split TEXT;
