<?php

// Stand-ins of Bitrix's tables: see `fakes_site.php`.

namespace Bitrix\Main\Entity {
    final class Base
    {
        use \Strict;

        private function __construct(private string $class)
        {
        }

        public static function getInstance($class)
        {
            return new self($class);
        }

        public function createDbTable()
        {
            \Site::$tables[$this->class::getTableName()] = [];
        }
    }

    /** A table in memory that knows no field but those of its map. */
    abstract class DataManager
    {
        use \Strict;

        abstract public static function getTableName();

        abstract public static function getMap();

        public static function getList(array $query = [])
        {
            if (array_diff(array_keys($query), ['filter', 'order', 'limit', 'select']) !== []) {
                throw new \LogicException('unknown part of a query');
            }
            $rows = self::rows();
            foreach ($query['filter'] ?? [] as $name => $value) {
                preg_match('/^(=|<=|>=|>)([A-Z_]+)$/D', $name, $found) || throw new \LogicException('filter ' . $name);
                self::check([$found[2] => $value]);
                $rows = array_filter($rows, fn(array $row) => match ($found[1]) {
                    '=' => (string) $row[$found[2]] === (string) $value,
                    '<=' => $row[$found[2]] <= $value,
                    '>=' => $row[$found[2]] >= $value,
                    '>' => $row[$found[2]] > $value,
                });
            }
            return new Rows(array_slice(array_values($rows), 0, $query['limit'] ?? null));
        }

        public static function add(array $fields)
        {
            self::check($fields);
            foreach (static::getMap() as $name => $field) {
                if (($field['required'] ?? false) && !isset($fields[$name])) {
                    throw new \LogicException('no ' . $name);
                }
                $fields += [$name => ($field['autocomplete'] ?? false) ? 1 + max([0, ...array_keys(self::rows())]) : null];
            }
            $key = $fields[self::key()];
            if (isset(self::rows()[$key])) {
                throw new \LogicException('the key is there already');
            }
            \Site::$tables[static::getTableName()][$key] = $fields;
        }

        public static function update($key, array $fields)
        {
            self::check($fields);
            [$meanwhile, \Site::$meanwhile] = [\Site::$meanwhile, null];
            $meanwhile === null || $meanwhile();
            if (isset(self::rows()[$key])) {
                \Site::$tables[static::getTableName()][$key] = $fields + self::rows()[$key];
            }
        }

        public static function delete($key)
        {
            unset(\Site::$tables[static::getTableName()][$key]);
        }

        private static function rows(): array
        {
            return \Site::$tables[static::getTableName()] ?? throw new \LogicException('no table ' . static::getTableName());
        }

        private static function key(): string
        {
            return array_key_first(array_filter(static::getMap(), fn(array $field) => $field['primary'] ?? false));
        }

        private static function check(array $fields): void
        {
            foreach ($fields as $name => $value) {
                $field = static::getMap()[$name] ?? throw new \LogicException('no field ' . $name);
                $fits = match ($field['data_type']) {
                    'integer' => is_int($value) && abs($value) < 2 ** 31,
                    'string' => is_string($value) && mb_strlen($value) <= 255,
                    'text' => is_string($value),
                };
                $fits || throw new \LogicException('value of ' . $name);
            }
        }
    }

    final class Rows
    {
        use \Strict;

        public function __construct(private array $rows)
        {
        }

        public function fetch()
        {
            return array_shift($this->rows) ?? false;
        }

        public function fetchAll()
        {
            return array_splice($this->rows, 0);
        }
    }
}
