<?php

// Hand-written stand-ins for what the module uses of Bitrix's main module, after its public
// documents; the product's own code was not looked at.  A name that is not here throws, so a typo,
// or a call that nobody has looked up, fails.

namespace {
    /** What the stand-ins hold, and what they were told. */
    final class Site
    {
        public static array $options = [];
        public static array $tables = [];
        public static array $handlers = [];
        public static array $modules = [];
        public static array $agents = [];
        public static array $jobs = [];
        public static array $rules = [];
        public static array $sent = [];
        public static array $answers = [];
        public static array $files = [];
        public static array $orders = [];
        public static array $shown = [];
        /** fn(string $url, array $headers, string $body): array{int, string}|false. */
        public static $network = null;

        public static function open(array $options = []): void
        {
            foreach (['options', 'tables', 'handlers', 'modules', 'agents', 'jobs', 'rules', 'sent', 'answers', 'files', 'orders', 'shown'] as $name) {
                self::$$name = [];
            }
            self::$network = null;
            $_SESSION = $_COOKIE = [];
            $GLOBALS['USER'] = new FakeUser(0);
            $GLOBALS['APPLICATION'] = new FakePage();
            $options += ['active' => 'Y', 'url' => 'https://hub.example/', 'key' => 'k', 'connection' => 'i_zz', 'secret' => 's3cret'];
            foreach ($options as $name => $value) {
                self::$options['loyaltyhub.shop']['s1'][$name] = $value;
            }
            foreach (['Loyaltyhub\Shop\Site\Events' => ['isCheckout' => false, 'isDue' => false, 'dying' => []], 'Loyaltyhub\Shop\Site\Transport' => ['waited' => 0.0]] as $class => $values) {
                foreach ($values as $name => $value) {
                    (new ReflectionProperty($class, $name))->setValue(null, $value);
                }
            }
            Loyaltyhub\Shop\Site\RuleAction::$seen = [];
        }

        public static function answer(int $status, array $body): void
        {
            self::$answers[] = [$status, json_encode($body)];
        }

        /** What was asked: address and decoded body. */
        public static function asked(): array
        {
            return array_map(fn(array $one) => [$one[0], json_decode($one[2], true)], self::$sent);
        }

        /** The page has been answered: what waited for that runs. */
        public static function endPage(): void
        {
            foreach (array_splice(self::$jobs, 0) as [$job, $args]) {
                $job(...$args);
            }
            (new ReflectionProperty('Loyaltyhub\Shop\Site\Transport', 'waited'))->setValue(null, 0.0);
            (new ReflectionProperty('Loyaltyhub\Shop\Site\Events', 'isCheckout'))->setValue(null, false);
        }

        /** Tells an event to all who registered for it, each in its own way of being called. */
        public static function tell(string $module, string $event, array $told, array &...$byReference): void
        {
            foreach (self::$handlers as [$from, $name, , $class, $method, $isInOrder]) {
                if ([$from, $name] !== [$module, $event]) {
                    continue;
                }
                if ($isInOrder) {
                    $arguments = array_values($told);
                    foreach ($byReference as $place => &$one) {
                        $arguments[] = &$one;
                    }
                    $class::$method(...$arguments);
                } else {
                    $class::$method(new Bitrix\Main\Event($module, $event, $told));
                }
            }
        }
    }

    trait Strict
    {
        public function __get($name)
        {
            throw new LogicException(static::class . ' has no ' . $name);
        }

        public function __set($name, $value)
        {
            throw new LogicException(static::class . ' has no ' . $name);
        }

        public function __call($name, $arguments)
        {
            throw new LogicException(static::class . ' has no ' . $name . '()');
        }

        public static function __callStatic($name, $arguments)
        {
            throw new LogicException(static::class . ' has no ' . $name . '()');
        }
    }

    final class FakeUser
    {
        use Strict;

        public function __construct(private int $id)
        {
        }

        public function GetID()
        {
            return $this->id === 0 ? null : (string) $this->id;
        }

        public function IsAdmin()
        {
            return $this->id === 1;
        }
    }

    final class FakePage
    {
        use Strict;

        public function IncludeAdminFile($title, $file)
        {
            if (!is_file($file)) {
                throw new LogicException('no ' . $file);
            }
            Site::$shown[] = $title;
        }

        public function GetCurPage()
        {
            return '/bitrix/admin/settings.php';
        }
    }

    class CModule
    {
        use Strict;
    }

    final class CAgent
    {
        use Strict;

        public static function AddAgent($name, $module = '', $period = 'N', $interval = 86400, $check = '', $active = 'Y', $next = '', $sort = 100)
        {
            Site::$agents[$name] = [$module, $period, $interval];
            return count(Site::$agents);
        }

        public static function RemoveAgent($name, $module)
        {
            unset(Site::$agents[$name]);
        }
    }

    class CBitrixComponent
    {
        use Strict;

        public array $arParams = [];

        public function includeComponentTemplate()
        {
            Site::$shown[] = 'template';
        }
    }

    final class CAdminTabControl
    {
        use Strict;

        public function __construct($name, array $tabs)
        {
        }

        public function Begin()
        {
        }

        public function BeginNextTab()
        {
        }

        public function Buttons()
        {
        }

        public function End()
        {
        }
    }

    function CopyDirFiles($from, $to, $rewrite = true, $recursive = false)
    {
        if (!is_dir($from)) {
            throw new LogicException('no ' . $from);
        }
        Site::$files[$to] = $from;
    }

    function DeleteDirFilesEx($path)
    {
        Site::$files[$path] = null;
    }

    function check_bitrix_sessid()
    {
        return ($_REQUEST['sessid'] ?? '') === 'right';
    }

    function bitrix_sessid_post()
    {
        return '<input type="hidden" name="sessid" value="right">';
    }

    function htmlspecialcharsbx($text)
    {
        return htmlspecialchars((string) $text, ENT_QUOTES);
    }
}

namespace Bitrix\Main {
    final class Event
    {
        use \Strict;

        public function __construct(private string $module, private string $type, private array $parameters)
        {
        }

        public function getParameter($name)
        {
            return $this->parameters[$name] ?? null;
        }
    }

    final class EventManager
    {
        use \Strict;

        public static function getInstance()
        {
            return new self();
        }

        public function registerEventHandler($from, $event, $to, $class, $method, $sort = 100)
        {
            \Site::$handlers["$from.$event.$class.$method"] = [$from, $event, $to, $class, $method, false];
        }

        public function registerEventHandlerCompatible($from, $event, $to, $class, $method, $sort = 100)
        {
            \Site::$handlers["$from.$event.$class.$method"] = [$from, $event, $to, $class, $method, true];
        }

        public function unRegisterEventHandler($from, $event, $to, $class, $method)
        {
            unset(\Site::$handlers["$from.$event.$class.$method"]);
        }
    }

    final class Loader
    {
        use \Strict;

        public static function includeModule($name)
        {
            if ($name === 'loyaltyhub.shop') {
                require_once MODULE . '/include.php';
            }
            return in_array($name, ['sale', 'loyaltyhub.shop'], true);
        }

        public static function registerAutoLoadClasses($module, array $classes)
        {
            spl_autoload_register(function ($class) use ($classes) {
                if (isset($classes[$class])) {
                    require MODULE . '/' . $classes[$class];
                }
            });
        }
    }

    final class ModuleManager
    {
        use \Strict;

        public static function registerModule($id)
        {
            \Site::$modules[$id] = true;
        }

        public static function unRegisterModule($id)
        {
            unset(\Site::$modules[$id]);
        }
    }

    final class Application
    {
        use \Strict;

        public static function getInstance()
        {
            return new self();
        }

        public static function getConnection()
        {
            return new self();
        }

        public function isTableExists($name)
        {
            return isset(\Site::$tables[$name]);
        }

        public function addBackgroundJob(callable $job, array $args = [], $priority = 100)
        {
            \Site::$jobs[] = [$job, $args];
        }
    }
}

namespace Bitrix\Main\Config {
    final class Option
    {
        use \Strict;

        public static function get($module, $name, $default = '', $site = false)
        {
            return \Site::$options[$module][$site === false ? '' : $site][$name] ?? $default;
        }

        public static function set($module, $name, $value, $site = '')
        {
            if (!is_string($value)) {
                throw new \LogicException('options are texts');
            }
            \Site::$options[$module][$site][$name] = $value;
        }
    }
}

namespace Bitrix\Main\Web {
    final class HttpClient
    {
        use \Strict;

        private array $headers = [];
        private int $status = 0;

        public function __construct(array $options)
        {
            $known = ['socketTimeout', 'streamTimeout', 'redirect', 'disableSslVerification'];
            if (array_diff(array_keys($options), $known) !== [] || $options['redirect'] || $options['disableSslVerification']) {
                throw new \LogicException('options of HttpClient');
            }
            if ($options['socketTimeout'] + $options['streamTimeout'] > 6) {
                throw new \LogicException('nobody waits so long');
            }
        }

        public function setHeader($name, $value)
        {
            $this->headers[$name] = $value;
        }

        public function post($url, $body)
        {
            if (!is_string($body)) {
                throw new \LogicException('an array is sent as a form');
            }
            \Site::$sent[] = [$url, $this->headers, $body];
            $answer = \Site::$network !== null
                ? (\Site::$network)($url, $this->headers, $body)
                : (array_shift(\Site::$answers) ?? false);
            if ($answer === false) {
                return false;
            }
            [$this->status, $text] = $answer;
            return $text;
        }

        public function getStatus()
        {
            return $this->status;
        }
    }
}

namespace Bitrix\Main\Localization {
    final class Loc
    {
        use \Strict;

        private static array $texts = [];

        public static function loadMessages($file)
        {
            $component = MODULE . '/install/components/loyaltyhub/balance';
            foreach ([$component . '/templates/.default', $component, MODULE] as $root) {
                if (str_starts_with($file, $root . '/')) {
                    $MESS = [];
                    require $root . '/lang/ru/' . substr($file, strlen($root) + 1);
                    self::$texts = $MESS + self::$texts;
                    return;
                }
            }
            throw new \LogicException('no texts for ' . $file);
        }

        public static function getMessage($name)
        {
            return self::$texts[$name] ?? throw new \LogicException('no text ' . $name);
        }
    }
}

namespace Bitrix\Main\Type {
    final class DateTime
    {
        use \Strict;

        private function __construct(private \DateTimeImmutable $time)
        {
        }

        public static function createFromTimestamp($seconds)
        {
            return new self(new \DateTimeImmutable('@' . $seconds));
        }

        public static function ofTest(string $text): self
        {
            return new self(new \DateTimeImmutable($text));
        }

        public function format($form)
        {
            return $this->time->format($form);
        }
    }
}

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
            \Site::$tables[static::getTableName()][$key] = $fields + self::rows()[$key];
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

namespace Bitrix\Main\Engine\Contract {
    interface Controllerable
    {
        public function configureActions();
    }
}
