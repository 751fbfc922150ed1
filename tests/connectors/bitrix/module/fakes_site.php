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
        /** Modules that were included in this page. */
        public static array $included = [];
        /** Seconds to connect and to answer, of each call. */
        public static array $limits = [];
        /** What another process does between a reading and a writing of a table, once. */
        public static ?Closure $meanwhile = null;
        /** fn(string $url, array $headers, string $body): array{int, string}|false. */
        public static $network = null;

        public static function open(array $options = []): void
        {
            foreach (['options', 'tables', 'handlers', 'modules', 'agents', 'jobs', 'rules', 'sent', 'answers', 'files', 'orders', 'shown', 'included', 'limits'] as $name) {
                self::$$name = [];
            }
            self::$network = self::$meanwhile = null;
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
            Loyaltyhub\Shop\Site\RuleAction::$seen = Loyaltyhub\Shop\Site\RuleAction::$lowered = [];
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

        /** Snapshots that were sent. */
        public static function told(): array
        {
            return array_column(array_filter(self::asked(), fn(array $one) => str_contains($one[0], '/hooks/')), 1);
        }

        /** What waits to be sent. */
        public static function waiting(): array
        {
            return array_values(self::$tables['b_loyaltyhub_queue']);
        }

        /** The page has been answered: what waited for that runs. */
        public static function endPage(): void
        {
            foreach (array_splice(self::$jobs, 0) as [$job, $args]) {
                $job(...$args);
            }
            (new ReflectionProperty('Loyaltyhub\Shop\Site\Transport', 'waited'))->setValue(null, 0.0);
            (new ReflectionProperty('Loyaltyhub\Shop\Site\Events', 'isCheckout'))->setValue(null, false);
            Loyaltyhub\Shop\Site\RuleAction::$lowered = [];
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
