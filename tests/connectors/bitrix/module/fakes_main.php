<?php

// Stand-ins of Bitrix's main module: see `fakes_site.php`.

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
            return \Site::$included[$name] = in_array($name, ['sale', 'loyaltyhub.shop'], true);
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
        private array $limits;

        public function __construct(array $options)
        {
            $this->limits = [$options['socketTimeout'], $options['streamTimeout']];
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
            \Site::$limits[] = $this->limits;
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

namespace Bitrix\Main\Engine\ActionFilter {
    final class Authentication
    {
        use \Strict;
    }

    final class Csrf
    {
        use \Strict;
    }
}

namespace Bitrix\Main\Engine\Contract {
    interface Controllerable
    {
        public function configureActions();
    }
}
