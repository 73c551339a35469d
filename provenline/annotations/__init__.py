"""From annotation exports of one or several people to the Boxes table, with their agreement measured."""
