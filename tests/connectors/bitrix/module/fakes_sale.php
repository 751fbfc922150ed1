<?php

// Stand-ins for what the module uses of Bitrix's `sale`: see `fakes_site.php`.  They keep what they
// are told and know the one law of a line: BASE_PRICE = PRICE + DISCOUNT_PRICE.

namespace {
    final class CSaleDiscount
    {
        use Strict;

        /** The class comes with its module. */
        private static function included(): void
        {
            (Site::$included['sale'] ?? false) || throw new Error('Class "CSaleDiscount" not found');
        }

        public static function Add(array $fields)
        {
            self::included();
            $known = ['LID', 'NAME', 'ACTIVE', 'SORT', 'PRIORITY', 'LAST_DISCOUNT', 'LAST_LEVEL_DISCOUNT', 'CURRENCY', 'USER_GROUPS', 'USE_COUPONS', 'CONDITIONS', 'ACTIONS', 'XML_ID'];
            if (array_diff(array_keys($fields), $known) !== []) {
                throw new LogicException('fields of a rule');
            }
            $id = 1 + max([0, ...array_keys(Site::$rules)]);
            Site::$rules[$id] = ['ID' => (string) $id] + $fields;
            return $id;
        }

        public static function Delete($id)
        {
            self::included();
            unset(Site::$rules[$id]);
        }

        public static function GetList($order = [], $filter = [], $group = false, $page = false, $select = [])
        {
            self::included();
            return new class (array_values(array_filter(Site::$rules, fn(array $rule) => $rule['LID'] === $filter['LID'] && $rule['ACTIVE'] === $filter['ACTIVE']))) {
                use Strict;

                public function __construct(private array $rules)
                {
                }

                public function Fetch()
                {
                    return array_shift($this->rules) ?? false;
                }
            };
        }
    }

    class CSaleActionCtrlBasketGroup
    {
        use Strict;

        public static function GetControlDescr()
        {
            return ['ID' => static::GetControlID(), 'GetControlShow' => [static::class, 'GetControlShow'], 'Generate' => [static::class, 'Generate']];
        }

        public static function GetShowIn($groups)
        {
            return $groups;
        }
    }
}

namespace Bitrix\Sale {
    trait Fields
    {
        use \Strict;

        public function __construct(private array $fields)
        {
            if (array_diff(array_keys($fields), self::KNOWN) !== []) {
                throw new \LogicException(implode(', ', array_diff(array_keys($fields), self::KNOWN)));
            }
        }

        public function getField($name)
        {
            in_array($name, self::KNOWN, true) || throw new \LogicException(static::class . ' has no field ' . $name);
            return $this->fields[$name] ?? null;
        }

        public function put(string $name, mixed $value): void
        {
            $this->getField($name);
            $this->fields[$name] = $value;
        }

        public function getId()
        {
            return $this->getField('ID');
        }
    }

    final class BasketItem
    {
        use Fields;

        private const KNOWN = ['ID', 'PRODUCT_ID', 'PRODUCT_XML_ID', 'CATALOG_XML_ID', 'NAME', 'MEASURE_CODE', 'MEASURE_NAME', 'QUANTITY', 'PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE', 'VAT_RATE', 'VAT_INCLUDED', 'CUSTOM_PRICE', 'DISCOUNT_NAME', 'DISCOUNT_VALUE', 'DISCOUNT_COUPON', 'TYPE', 'SET_PARENT_ID', 'DELAY', 'CAN_BUY'];

        public function getBasketCode()
        {
            return $this->getField('ID') ?? 'n1';
        }

        public function getProductId()
        {
            return $this->getField('PRODUCT_ID');
        }

        public function getQuantity()
        {
            return $this->getField('QUANTITY');
        }

        public function getPrice()
        {
            return $this->getField('PRICE');
        }

        public function getBasePrice()
        {
            return $this->getField('BASE_PRICE');
        }
    }

    final class Basket
    {
        use \Strict;

        public function __construct(public array $items)
        {
        }

        public function getBasketItems()
        {
            return array_values($this->items);
        }
    }

    final class Payment
    {
        use Fields;

        private const KNOWN = ['ID', 'ORDER_ID', 'ACCOUNT_NUMBER', 'PAID', 'DATE_PAID', 'PAY_SYSTEM_ID', 'PAY_SYSTEM_NAME', 'SUM', 'CURRENCY', 'IS_RETURN', 'PAY_RETURN_NUM', 'PAY_RETURN_DATE', 'PAY_RETURN_COMMENT'];

        public function isPaid()
        {
            return $this->getField('PAID') === 'Y';
        }

        public function isInner()
        {
            return false;
        }

        public function getSum()
        {
            return $this->getField('SUM');
        }

        public function getPaymentSystemId()
        {
            return $this->getField('PAY_SYSTEM_ID');
        }
    }

    final class PaymentCollection implements \IteratorAggregate
    {
        use \Strict;

        public function __construct(public array $payments)
        {
        }

        public function getIterator(): \Iterator
        {
            return new \ArrayIterator($this->payments);
        }
    }

    final class PropertyValue
    {
        use \Strict;

        public function __construct(private ?string $value)
        {
        }

        public function getValue()
        {
            return $this->value;
        }
    }

    /** Values by role; `codes` are those of properties without one. */
    final class PropertyValueCollection
    {
        use \Strict;

        public function __construct(public array $roles, public array $codes = [])
        {
        }

        public function getPhone()
        {
            return $this->role('phone');
        }

        public function getUserEmail()
        {
            return $this->role('email');
        }

        public function getPayerName()
        {
            return $this->role('name');
        }

        public function getItemByOrderPropertyCode($code)
        {
            return isset($this->codes[$code]) ? new PropertyValue($this->codes[$code]) : null;
        }

        private function role(string $name): ?PropertyValue
        {
            return isset($this->roles[$name]) ? new PropertyValue($this->roles[$name]) : null;
        }
    }

    final class Order
    {
        use Fields;

        private const KNOWN = ['ID', 'ACCOUNT_NUMBER', 'XML_ID', 'LID', 'USER_ID', 'PERSON_TYPE_ID', 'DATE_INSERT', 'DATE_UPDATE', 'DATE_STATUS', 'DATE_PAYED', 'DATE_CANCELED', 'STATUS_ID', 'PAYED', 'CANCELED', 'PRICE', 'PRICE_DELIVERY', 'DISCOUNT_VALUE', 'TAX_VALUE', 'SUM_PAID', 'CURRENCY', 'DEDUCTED', 'ALLOW_DELIVERY', 'MARKED'];

        public Basket $basket;
        public PaymentCollection $payments;
        public PropertyValueCollection $properties;

        public static function load($id)
        {
            return \Site::$orders[$id] ?? null;
        }

        public static function getList(array $query)
        {
            if (array_keys($query) !== ['select', 'filter', 'order', 'limit'] || array_keys($query['filter']) !== ['>=DATE_UPDATE', '>ID']) {
                throw new \LogicException('a query of orders');
            }
            $found = array_filter(\Site::$orders, fn(self $one) => $one->getId() > $query['filter']['>ID']
                && $one->getField('DATE_UPDATE')->format('U') >= $query['filter']['>=DATE_UPDATE']->format('U'));
            $rows = array_map(fn(self $one) => ['ID' => (string) $one->getId(), 'LID' => $one->getField('LID')], $found);
            return new \Bitrix\Main\Entity\Rows(array_slice(array_values($rows), 0, $query['limit']));
        }

        public function getSiteId()
        {
            return $this->getField('LID');
        }

        public function getUserId()
        {
            return $this->getField('USER_ID');
        }

        public function getPrice()
        {
            return $this->getField('PRICE');
        }

        public function isPaid()
        {
            return $this->getField('PAYED') === 'Y';
        }

        public function getBasket()
        {
            return $this->basket;
        }

        public function getPaymentCollection()
        {
            return $this->payments;
        }

        public function getPropertyCollection()
        {
            return $this->properties;
        }

        public function save()
        {
            throw new \LogicException('the module never saves an order');
        }
    }
}

namespace Bitrix\Sale\Internals {
    final class SiteCurrencyTable
    {
        use \Strict;

        public static function getSiteCurrency($site)
        {
            return 'RUB';
        }
    }
}
