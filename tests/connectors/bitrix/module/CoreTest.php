<?php

use Loyaltyhub\Shop\Core\Backoff;
use Loyaltyhub\Shop\Core\Basket;
use Loyaltyhub\Shop\Core\Checkout;
use Loyaltyhub\Shop\Core\Hub;
use Loyaltyhub\Shop\Core\Line;
use Loyaltyhub\Shop\Core\Money;
use Loyaltyhub\Shop\Core\Prices;
use Loyaltyhub\Shop\Core\Rule;
use Loyaltyhub\Shop\Core\Signer;
use Loyaltyhub\Shop\Core\Snapshot;
use PHPUnit\Framework\TestCase;

final class CoreTest extends TestCase
{
    private array $asked = [];
    private array $answers = [];
    private int $now = 1000;

    protected function setUp(): void
    {
        Site::open();
    }

    public function testTheCoreHasNoSymbolOfBitrix(): void
    {
        foreach (glob(MODULE . '/lib/core/*.php') as $file) {
            self::assertDoesNotMatchRegularExpression('/\bBitrix\\\\|\bC[A-Z][a-z]+[A-Z]\w+::|\$USER|\$APPLICATION/', file_get_contents($file), $file);
        }
    }

    public function testMoneyIsReadAndWrittenExactly(): void
    {
        foreach (['0.00' => 0, '1350.00' => 135000, '0.05' => 5, '-3.10' => -310] as $text => $minor) {
            self::assertSame($minor, Money::read((string) $text));
            self::assertSame((string) $text, Money::write($minor));
        }
        self::assertSame([39300, 1, 0], [Money::ofShop(393.0), Money::ofShop('0.01'), Money::ofShop(null)]);
        self::assertSame(['3', '0.35', '0'], [Money::writeMilli(3000), Money::writeMilli(350), Money::writeMilli(0)]);
        // 899.90 x 0.350 = 314.965
        self::assertSame(31497, Money::lineAt(89990, 350));
    }

    /** @dataProvider rubbish */
    public function testWhatIsNoMoneyIsRefused(mixed $text): void
    {
        $this->expectException(UnexpectedValueException::class);
        Money::read($text);
    }

    public static function rubbish(): array
    {
        return [['1.234'], [''], ['1e2'], [null], [1.5], [[]], ["1.00\n"], ['12345678901234.00']];
    }

    private static function basket(?array $account = null, ?string $phone = null, int $unit = 45000): Basket
    {
        $lines = [new Line('9011', $unit, 3000, 456, '6f2d'), new Line('9012', 290000, 1000, 460)];
        return new Basket($lines, 'RUB', null, $account, $phone);
    }

    private static function account(): array
    {
        return ['system' => 'installation:1295', 'id' => '318'];
    }

    /** 171.00 of points off the tea: 393.00 for each. */
    private static function answer(array $more = [], string $unit = '393.00'): array
    {
        return $more + [
            'member' => ['id' => 'm_1', 'verified' => true, 'balance' => ['available' => '512.00']],
            'lines' => [
                ['id' => '9011', 'amount' => '1350.00', 'discount' => '0.00', 'spend' => '171.00', 'payable' => '1179.00', 'unit_price' => $unit],
                ['id' => '9012', 'amount' => '2900.00', 'discount' => '0.00', 'spend' => '0.00', 'payable' => '2900.00', 'unit_price' => '2900.00'],
            ],
            'points' => ['earn' => '203.00', 'spend' => '171.00', 'spend_max' => '171.00', 'code_required' => false],
        ];
    }

    private static function full(array $more = []): array
    {
        $answer = self::answer($more);
        $answer['lines'][0] = ['spend' => '0.00', 'payable' => '1350.00', 'unit_price' => '450.00'] + $answer['lines'][0];
        $answer['points']['spend'] = '0.00';
        return $answer;
    }

    private static function held(array $answer): array
    {
        return ['id' => 'h_1', 'expires_at' => '1970-01-01T03:46:40+03:00', 'quote' => $answer];
    }

    private function checkout(array $state = []): Checkout
    {
        $send = function (string $url, array $headers, string $body): array {
            $this->asked[] = [substr($url, strlen('https://hub.example/api/v1')), json_decode($body, true)];
            [$status, $told] = array_shift($this->answers) ?? [0, []];
            return [$status, json_encode($told)];
        };
        return new Checkout(new Hub($send, 'https://hub.example/', 'k'), $state, fn() => $this->now);
    }

    private function addresses(): array
    {
        return array_column($this->asked, 0);
    }

    public function testAnAnswerBecomesPricesOfUnits(): void
    {
        $prices = new Prices(self::answer(), self::basket());
        self::assertSame(51200, $prices->balance);
        self::assertNull((new Prices(self::answer(['member' => ['id' => 'm_1', 'verified' => false, 'balance' => null]]), self::basket()))->balance);
        self::assertSame([39300, 290000], [$prices->lines['9011']['unit'], $prices->lines['9012']['unit']]);
        self::assertSame(['earn' => 20300, 'spend' => 17100, 'spend_max' => 17100], $prices->points);
    }

    public function testAnAnswerThatDoesNotAddUpIsNone(): void
    {
        $wrong = [
            self::answer([], '393.01'),
            self::answer([], '500.00'),
            self::answer(['lines' => [self::answer()['lines'][0]]]),
            self::answer(['lines' => 'none']),
            self::answer(['points' => ['earn' => 'many']]),
            [],
        ];
        $other = self::answer();
        $other['lines'][1]['id'] = '7';
        $line = self::answer();
        $line['lines'][1]['discount'] = '1.00';
        foreach ([...$wrong, $other, $line] as $one) {
            try {
                new Prices($one, self::basket());
                self::fail(json_encode($one));
            } catch (UnexpectedValueException) {
                self::assertTrue(true);
            }
        }
    }

    public function testOneBasketIsAskedAboutOnce(): void
    {
        $this->answers = [[200, self::full()], [200, self::full()], [200, self::full()]];
        $checkout = $this->checkout();
        $checkout->prices(self::basket(self::account()));
        $checkout = $this->checkout($checkout->state());
        $checkout->prices(self::basket(self::account()));
        self::assertSame(['/quotes'], $this->addresses());
        self::assertSame('unit', $this->asked[0][1]['line_prices']);
        self::assertSame(['external' => self::account(), 'verified' => true], $this->asked[0][1]['member']);
        $this->now += 61;
        $checkout->prices(self::basket(self::account()));
        self::assertCount(2, $this->asked);
        $checkout->prices(self::basket(self::account(), null, 45100));
        self::assertCount(3, $this->asked);
    }

    public function testWithoutAnAnswerTheShopsPriceStandsAndTheHubIsLeftAloneForAWhile(): void
    {
        $this->answers = [[0, []], [200, self::full(['degraded' => true])], [200, ['lines' => 1]], [422, ['code' => 'wrong_currency']]];
        $checkout = $this->checkout();
        foreach (['away', 'degraded', 'unreadable', 'wrong_currency'] as $number => $trouble) {
            self::assertNull($checkout->prices(self::basket(self::account())));
            self::assertNull($checkout->prices(self::basket(self::account())));
            self::assertSame($trouble, $checkout->trouble());
            self::assertCount($number + 1, $this->asked);
            self::assertNull($checkout->note());
            $this->now += 31;
        }
    }

    public function testABasketThatSpendsIsPromisedAtOnceByItsCart(): void
    {
        $this->answers = [[201, self::held(self::answer())]];
        $checkout = $this->checkout();
        self::assertTrue($checkout->choose('171,00'));
        self::assertSame(39300, $checkout->prices(self::basket(self::account()))->lines['9011']['unit']);
        self::assertSame(['/holds'], $this->addresses());
        $cart = $checkout->state()['cart'];
        self::assertSame([$cart, '171.00', 1800], [$this->asked[0][1]['cart'], $this->asked[0][1]['spend'], $this->asked[0][1]['ttl_s']]);
        self::assertSame([
            'cart' => $cart, 'hold' => 'h_1', 'points' => '171.00', 'spend' => '171.00', 'coupons' => [],
            'lines' => ['9011' => ['before' => '450.00', 'quantity' => '3', 'unit' => '393.00', 'discount' => '0.00', 'spend' => '171.00']],
        ], $checkout->note());
        $checkout->beginAnew();
        self::assertNull($checkout->note());
        self::assertNotSame($cart, $checkout->state()['cart']);
    }

    public function testPointsThatAreRefusedLeaveTheDiscounts(): void
    {
        $this->answers = [[409, ['code' => 'not_enough_points']], [201, self::held(self::full())]];
        $checkout = $this->checkout();
        $checkout->choose('max');
        self::assertSame(45000, $checkout->prices(self::basket(self::account()))->lines['9011']['unit']);
        self::assertSame(['max', null], [$this->asked[0][1]['spend'], $this->asked[1][1]['spend']]);
        self::assertSame('not_enough_points', $checkout->trouble());
    }

    public function testAHoldThatIsNotWantedAnyMoreIsReplacedByOneThatTakesNothing(): void
    {
        $this->answers = [[201, self::held(self::answer())], [201, self::held(self::full())]];
        $checkout = $this->checkout();
        $checkout->choose('max');
        $checkout->prices(self::basket(self::account()));
        $checkout->choose('');
        $checkout->prices(self::basket(self::account()));
        self::assertSame(['/holds', '/holds'], $this->addresses());
        self::assertNull($this->asked[1][1]['spend']);
        self::assertSame($this->asked[0][1]['cart'], $this->asked[1][1]['cart']);
    }

    public function testAnAccountThatTheHubDoesNotKnowIsAskedAboutByItsPhone(): void
    {
        $this->answers = [[200, self::full(['member' => null])], [200, self::full()]];
        $checkout = $this->checkout();
        $checkout->prices(self::basket(self::account(), '+7 900 000-12-34'));
        self::assertSame(['phone' => '+7 900 000-12-34'], $this->asked[1][1]['member']);
        $checkout->prices(self::basket(self::account(), '+7 900 000-12-34'));
        self::assertCount(2, $this->asked);
    }

    public function testAPhoneThatIsNoneStopsNothing(): void
    {
        $this->answers = [[422, ['code' => 'phone_impossible']], [200, self::full(['member' => null])]];
        $checkout = $this->checkout();
        self::assertNotNull($checkout->prices(self::basket(null, '12')));
        self::assertNull($this->asked[1][1]['member']);
    }

    public function testAGuestSpendsWithACodeAndStaysTheGuestWhileTheyAreRegistered(): void
    {
        $this->answers = [
            [422, ['code' => 'code_required']], [201, self::held(self::full())], [202, ['channel' => 'sms']], [201, self::held(self::answer())],
        ];
        $checkout = $this->checkout();
        $checkout->choose('max');
        $checkout->prices(self::basket(null, '+79000001234'));
        self::assertSame('code_required', $checkout->trouble());
        self::assertTrue($checkout->sendCode(self::basket(null, '+79000001234'))->isOk());
        $checkout->confirm(' 123456 ');
        $prices = $checkout->prices(self::basket(null, '+79000001234'));
        self::assertSame(['/holds', '/holds', '/confirmations', '/holds'], $this->addresses());
        self::assertSame('123456', $this->asked[3][1]['code']);
        self::assertSame(17100, $prices->points['spend']);
        // The order is saved: the guest has an account since, and the promise holds.
        $checkout->prices(self::basket(self::account(), '+79000001234'));
        self::assertCount(4, $this->asked);
    }

    public function testACodeOutlivesAHubThatWasAway(): void
    {
        $this->answers = [[0, []], [201, self::held(self::answer())]];
        $checkout = $this->checkout();
        $checkout->confirm('123456');
        self::assertNull($checkout->prices(self::basket(null, '+79000001234')));
        self::assertNull($checkout->prices(self::basket(null, '+79000001234')));
        self::assertCount(1, $this->asked);
        $this->now += 31;
        $checkout->prices(self::basket(null, '+79000001234'));
        self::assertSame(['123456', '123456'], array_column(array_column($this->asked, 1), 'code'));
        self::assertNull($checkout->state()['code']);
    }

    public function testCodesAreKeptOnceAndNotWithoutEnd(): void
    {
        $checkout = $this->checkout();
        foreach (['TEA10', 'TEA10', ' ', str_repeat('x', 101), ...range(1, 20)] as $code) {
            $checkout->addCode((string) $code);
        }
        self::assertCount(10, $checkout->codes());
        $checkout->dropCode('TEA10');
        self::assertNotContains('TEA10', $checkout->codes());
        self::assertFalse($checkout->choose('many'));
        self::assertFalse($checkout->choose('-1'));
    }

    public function testABasketBeyondTheLimitIsNotAskedAbout(): void
    {
        $lines = array_map(fn(int $number) => new Line((string) $number, 100, 1000), range(1, 501));
        self::assertNull($this->checkout()->prices(new Basket($lines, 'RUB', null, null, null)));
        self::assertNull($this->checkout()->prices(new Basket([], 'RUB', null, null, null)));
        self::assertSame([], $this->asked);
    }

    public function testTheRuleLowersPricesAndKeepsTheLawOfALine(): void
    {
        $order = Shopfloor::order([[9011, 450.0, 3.0, []], [9012, 2900.0, 1.0, ['CUSTOM_PRICE' => 'Y']]]);
        $basket = new Basket(Rule::lines($order), 'RUB', null, null, null);
        self::assertFalse($basket->lines['9012']->discountable);
        Rule::applyPrices($order, new Prices(self::answer(), $basket));
        self::assertSame([393.0, 57.0], [$order['BASKET_ITEMS'][9011]['PRICE'], $order['BASKET_ITEMS'][9011]['DISCOUNT_PRICE']]);
        self::assertSame([2900.0, 0.0], [$order['BASKET_ITEMS'][9012]['PRICE'], $order['BASKET_ITEMS'][9012]['DISCOUNT_PRICE']]);
        foreach ($order['BASKET_ITEMS'] as $item) {
            self::assertSame(round($item['BASE_PRICE'], 2), round($item['PRICE'] + $item['DISCOUNT_PRICE'], 2));
        }
    }

    public function testAPriceWithPartsOfAKopeckIsAskedAboutBelowThemAndKeepsTheLawOfALine(): void
    {
        $order = Shopfloor::order([[1, 0.125, 1000.0, []], [2, 0.29, 1.0, []], [3, 0.125, 10.0, []]]);
        self::assertSame([12, 29, 12], array_map(fn(Line $one) => $one->unit, Rule::lines($order)));
        $note = ['lines' => [
            '1' => ['quantity' => '1000', 'unit' => '0.11'],
            '2' => ['quantity' => '1', 'unit' => '0.25'],
            '3' => ['quantity' => '10', 'unit' => '0.12'],
        ]];
        Rule::applyNote($order, $note);
        $told = array_map(fn(array $one) => [$one['PRICE'], $one['DISCOUNT_PRICE']], $order['BASKET_ITEMS']);
        // The third one costs what it did: nothing was taken off.
        self::assertSame([[0.11, 0.015], [0.25, 0.04], [0.125, 0.0]], array_values($told));
    }

    public function testWhatWasPromisedStandsForNoMorePiecesThanWereOrdered(): void
    {
        $note = ['lines' => ['9011' => ['before' => '450.00', 'quantity' => '1', 'unit' => '350.00', 'discount' => '0.00', 'spend' => '100.00']]];
        foreach ([[1.0, 350.0], [0.5, 350.0], [3.0, 450.0]] as [$quantity, $price]) {
            $order = Shopfloor::order([[9011, 450.0, $quantity, []]], ['ID' => 41]);
            Rule::applyNote($order, $note);
            self::assertSame($price, $order['BASKET_ITEMS'][9011]['PRICE']);
        }
        unset($order['BASKET_ITEMS'][9011]['QUANTITY']);
        Rule::applyNote($order, $note, ['9011' => ['QUANTITY' => 3.0]]);
        self::assertSame(450.0, $order['BASKET_ITEMS'][9011]['PRICE']);
        Rule::applyNote($order, $note);
        self::assertSame(350.0, $order['BASKET_ITEMS'][9011]['PRICE'], 'not told: the promise stands');
    }

    public function testPartsOfSetsAndDelayedLinesAreNotCounted(): void
    {
        $order = Shopfloor::order([
            [1, 100.0, 1.0, ['SET_PARENT_ID' => 1]], [2, 50.0, 1.0, ['SET_PARENT_ID' => 1]], [3, 10.0, 1.0, ['DELAY' => 'Y']], [4, 10.0, 1.0, ['CAN_BUY' => 'N']],
        ], ['PRICE_DELIVERY' => 300]);
        // Delivery is not discountable: one that changes must not make the basket another one.
        self::assertSame(['1'], array_map(fn(Line $one) => $one->ref, Rule::lines($order)));
    }

    public function testALineWithoutAQuantityMakesTheBasketOneThatIsNotAskedAbout(): void
    {
        $order = Shopfloor::order([[1, 100.0, 1.0, []]]);
        unset($order['BASKET_ITEMS'][1]['QUANTITY']);
        self::assertNull(Rule::lines($order));
        self::assertSame(2000, Rule::lines($order, ['1' => ['QUANTITY' => 2.0]])[0]->milli);
    }

    public function testAPriceWithPartsOfAKopeckIsToldAsBitrixKeepsIt(): void
    {
        $item = [
            'ref' => '9020', 'id' => 9020, 'product_id' => 512, 'product_xml_id' => null, 'name' => null, 'quantity' => 1000.0,
            'base_price' => 0.125, 'price' => '0.1250', 'custom_price' => false, 'vat_rate' => null, 'vat_included' => true,
        ];
        $order = ['site_id' => 's1', 'order' => ['id' => 1044, 'price' => 125.0, 'price_delivery' => 0], 'buyer' => [], 'payments' => []];
        $items = [$item, ['price' => 1234567.0] + $item, ['price' => -1.0] + $item];
        $told = Snapshot::of(['items' => $items] + $order, null, 602, [], '0.1.0')['items'];
        self::assertSame(['0.1250', '1234567.0000', '0.0000'], array_column($told, 'exact_price'));
        self::assertSame(['0.13', '1234567.00', '0.00'], array_column($told, 'price'));
    }

    public function testSnapshotsAreNumberedUpwardsWhateverTheClockDoes(): void
    {
        self::assertSame([1500, 1500, 2001], [Snapshot::next(1.5, 0), Snapshot::next(1.5, 1499), Snapshot::next(1.5, 2000)]);
    }

    public function testPausesGrowAndEnd(): void
    {
        self::assertSame([60, 120, 300, 900, 3600, 3600], array_map([Backoff::class, 'pause'], range(1, 6)));
        self::assertSame([3600, null], [Backoff::pause(77), Backoff::pause(78)]);
        self::assertSame([true, false, false], [Backoff::isFinal(422), Backoff::isFinal(401), Backoff::isFinal(503)]);
    }

    public function testASignatureIsThatOfTheBytes(): void
    {
        // As of RFC 4231, test case 2.
        self::assertSame(
            'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
            Signer::sign('Jefe', 'what do ya want for nothing?')
        );
        self::assertSame('{"a":"Чай/1"}', Signer::encode(['a' => 'Чай/1']));
    }
}
