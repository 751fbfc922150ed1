<?php

use Bitrix\Main\Event;
use Bitrix\Sale\Basket;
use Bitrix\Sale\BasketItem;
use Bitrix\Sale\PropertyValueCollection;
use Loyaltyhub\Shop\Site\Desk;
use Loyaltyhub\Shop\Site\Events;
use Loyaltyhub\Shop\Site\Options;
use Loyaltyhub\Shop\Site\Queue;
use Loyaltyhub\Shop\Site\QueueTable;
use Loyaltyhub\Shop\Site\RuleAction;
use Loyaltyhub\Shop\Site\Shopper;
use Loyaltyhub\Shop\Site\Transport;
use Loyaltyhub\Shop\Site\Trial;
use PHPUnit\Framework\TestCase;

final class SiteTest extends TestCase
{
    private const AT = '2026-03-14T14:31:02+03:00';

    protected function setUp(): void
    {
        Site::open();
        Shopfloor::install();
        $GLOBALS['USER'] = new FakeUser(318);
    }

    public function testInstalledAndRemoved(): void
    {
        self::assertSame(['b_loyaltyhub_queue', 'b_loyaltyhub_order'], array_keys(Site::$tables));
        self::assertSame([Queue::AGENT, Queue::NIGHTLY], array_keys(Site::$agents));
        self::assertCount(count(Events::ALL) + 1, Site::$handlers);
        foreach (Site::$handlers as [, , $module, $class, $method]) {
            self::assertTrue($module === 'loyaltyhub.shop' && method_exists($class, $method));
        }
        Bitrix\Main\Loader::includeModule('sale');
        Trial::keepRule('s1');
        self::assertCount(1, Site::$rules);
        Site::$included = [];
        (new loyaltyhub_shop())->DoUninstall();
        self::assertCount(1, Site::$rules, 'whoever is no administrator removes nothing');
        $GLOBALS['USER'] = new FakeUser(1);
        (new loyaltyhub_shop())->DoUninstall();
        self::assertSame([[], [], [], []], [Site::$rules, Site::$handlers, Site::$agents, Site::$modules]);
        self::assertNull(Site::$files['/bitrix/components/loyaltyhub']);
    }

    public function testTheRuleRunsLastStopsNoneAndFollowsTheSwitch(): void
    {
        Bitrix\Main\Loader::includeModule('sale');
        Trial::keepRule('s1');
        Trial::keepRule('s1');
        [$rule] = array_values(Site::$rules);
        self::assertSame(['N', 'N', 0, 's1'], [$rule['LAST_DISCOUNT'], $rule['LAST_LEVEL_DISCOUNT'], $rule['PRIORITY'], $rule['LID']]);
        self::assertSame(RuleAction::GetControlID(), $rule['ACTIONS']['CHILDREN'][0]['CLASS_ID']);
        Options::set('active', 'N', 's1');
        Trial::keepRule('s1');
        self::assertSame([], Site::$rules);
    }

    public function testTheActionIsDescribedAndGivesCodeThatRuns(): void
    {
        self::assertSame(RuleAction::CONTROL, RuleAction::GetControlDescr()['ID']);
        self::assertSame('sale', RuleAction::GetControlDescr()['EXECUTE_MODULE']);
        self::assertNotSame('', RuleAction::GetControlShow(['SHOW_IN_GROUPS' => []])['label']);
        self::assertSame(['Plain'], array_keys(RuleAction::GetAtomsEx(false, true)));
        Site::answer(200, Shopfloor::answer());
        $order = Shopfloor::calculate(Shopfloor::basket());
        self::assertSame([80.0, 20.0], [$order['BASKET_ITEMS'][7]['PRICE'], $order['BASKET_ITEMS'][7]['DISCOUNT_PRICE']]);
        Shopfloor::calculate(Shopfloor::basket());
        self::assertCount(1, Site::$sent, 'several calculations of a page ask once');
    }

    public function testWhateverGoesWrongTheShopSellsAtItsOwnPrice(): void
    {
        $full = Shopfloor::basket();
        foreach ([[500, ['code' => 'x']], [200, ['lines' => [[]]]], [200, ['lines' => 'x', 'points' => []]], [401, []]] as [$status, $body]) {
            Site::$answers = [];
            $_SESSION = [];
            Site::$options['loyaltyhub.shop']['s1']['away_until'] = '0';
            Site::answer($status, $body);
            self::assertSame($full, Shopfloor::calculate($full));
        }
        foreach ([null, [], ['BASKET_ITEMS' => 'x'], ['BASKET_ITEMS' => ['x']], ['ID' => 5, 'BASKET_ITEMS' => [1 => ['ID' => 1]]]] as $odd) {
            $given = $odd;
            RuleAction::apply($given);
            self::assertSame($odd, $given);
        }
    }

    public function testAPageBeginsNoCallWithLessThanASecondLeft(): void
    {
        $waited = new ReflectionProperty(Transport::class, 'waited');
        foreach ([[0.0, [[1, 2]]], [0.9, [[1, 1]]], [1.1, []]] as [$seconds, $limits]) {
            Site::$limits = $_SESSION = [];
            Site::answer(200, Shopfloor::answer());
            $waited->setValue(null, $seconds);
            Shopfloor::calculate(Shopfloor::basket());
            self::assertSame($limits, Site::$limits);
        }
    }

    public function testADeliveryThatChangesLeavesAConfirmedCodeGood(): void
    {
        $GLOBALS['USER'] = new FakeUser(0);
        Shopper::keepPhone('+79000001234');
        Site::answer(201, ['id' => 'h_1', 'expires_at' => date('c', time() + 1800), 'quote' => Shopfloor::answer()]);
        Shopper::with(fn($checkout) => $checkout->confirm('123456'));
        foreach ([300, 500] as $delivery) {
            $order = Shopfloor::calculate(['PRICE_DELIVERY' => $delivery] + Shopfloor::basket());
            self::assertSame(80.0, $order['BASKET_ITEMS'][7]['PRICE']);
        }
        self::assertCount(1, Site::$sent);
    }

    public function testAGuestMayAskAndAForgedPageMayNot(): void
    {
        $GLOBALS['USER'] = new FakeUser(0);
        Site::answer(200, Shopfloor::answer());
        Shopfloor::calculate(Shopfloor::basket());
        $calls = ['getBalance' => [], 'setPoints' => ['5'], 'addCode' => ['TEA10'], 'dropCode' => ['TEA10'], 'sendCode' => [], 'confirm' => ['1'], 'seen' => ['4']];
        foreach ($calls as $action => $data) {
            self::assertSame('success', Shopfloor::ajax($action, $data)['status'], $action);
            self::assertSame('invalid_csrf', Shopfloor::ajax($action, $data, 'wrong')['code'], $action);
        }
    }

    public function testOfABuyerForWhomNobodyVouchesNothingIsShown(): void
    {
        Site::answer(200, Shopfloor::answer(['member' => ['id' => 'm_1', 'verified' => false, 'tier' => null, 'balance' => null]]));
        Shopfloor::calculate(Shopfloor::basket());
        $told = Desk::told();
        self::assertSame([false, null, null, 8], [$told['known'], $told['balance'], $told['tier'], $told['earn']]);
    }

    public function testAHubThatIsAwayIsLeftAloneByAllPages(): void
    {
        self::assertSame(Shopfloor::basket(), Shopfloor::calculate(Shopfloor::basket()));
        $_SESSION = [];
        Site::endPage();
        Shopfloor::calculate(Shopfloor::basket());
        self::assertCount(1, Site::$sent);
    }

    public function testABasketOfSomebodyElseAndASiteThatIsOffAreNotAskedAbout(): void
    {
        self::assertSame(318, Shopfloor::basket()['USER_ID']);
        Shopfloor::calculate(['USER_ID' => 5] + Shopfloor::basket());
        self::assertSame([], Site::$sent);
        Options::set('active', 'N', 's1');
        Shopfloor::calculate(Shopfloor::basket());
        self::assertSame([], Site::$sent);
    }

    public function testAPhoneThatTheGuestHasTypedMakesTheCheckoutBuildTheOrderAnew(): void
    {
        $GLOBALS['USER'] = new FakeUser(0);
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        $order->properties = new PropertyValueCollection([], ['PHONE' => '89000001234']);
        $result = [];
        Events::onCheckout($order, $result);
        self::assertSame(['RECREATE_ORDER' => 'Y'], $result);
        $again = [];
        Events::onCheckout($order, $again);
        self::assertSame([[], '89000001234'], [$again, Shopper::phone()]);
    }

    public function testWhatTheComponentShowsIsOfTheSessionAlone(): void
    {
        Site::answer(200, Shopfloor::answer());
        Shopfloor::calculate(Shopfloor::basket());
        $component = new LoyaltyhubBalanceComponent();
        $told = $component->getBalanceAction();
        self::assertSame([true, 512, 'Золото', 8, 48], [$told['known'], $told['balance'], $told['tier'], $told['earn'], $told['most']]);
        self::assertCount(1, Site::$sent);
        Site::answer(201, ['id' => 'h_1', 'expires_at' => '2026-03-14T15:00:00+03:00', 'quote' => Shopfloor::answer()]);
        self::assertTrue($component->setPointsAction('48')['is_read']);
        self::assertFalse($component->setPointsAction('много')['is_read']);
        self::assertSame(['external' => ['system' => 'installation:1295', 'id' => '318'], 'verified' => true], Site::asked()[1][1]['member']);
        $component->executeComponent();
        self::assertContains('template', Site::$shown);
        $arResult = [];
        $other = [];
        Events::onResult(null, $other, null, $other, $arResult);
        self::assertSame(512, $arResult['LOYALTYHUB']['balance']);
    }

    public function testCodesAreTypedAndTakenBackAndConfirmationsAreSent(): void
    {
        Site::answer(200, Shopfloor::answer());
        Shopfloor::calculate(Shopfloor::basket());
        $coupons = [['code' => 'TEA10', 'status' => 'rejected', 'reason' => 'unknown_code', 'text' => null]];
        Site::answer(201, ['id' => 'h_1', 'expires_at' => '', 'quote' => Shopfloor::answer(['coupons' => $coupons])]);
        $component = new LoyaltyhubBalanceComponent();
        self::assertSame([['code' => 'TEA10', 'why' => 'unknown_code']], $component->addCodeAction('TEA10')['codes']);
        Site::answer(201, ['id' => 'h_2', 'expires_at' => '', 'quote' => Shopfloor::answer()]);
        self::assertSame([], $component->dropCodeAction('TEA10')['codes']);
        Site::answer(202, ['channel' => 'sms']);
        self::assertSame(['sent' => true, 'channel' => 'sms', 'trouble' => ''], $component->sendCodeAction());
        Site::answer(201, ['id' => 'h_3', 'expires_at' => '', 'quote' => Shopfloor::answer()]);
        $component->confirmAction('123456');
        self::assertSame('123456', end(Site::$sent) === false ? null : json_decode(end(Site::$sent)[2], true)['code']);
    }

    public function testAnEmptyBasketStillShowsTheBalance(): void
    {
        Site::answer(200, Shopfloor::answer(['lines' => [['id' => 'none', 'amount' => '0.00', 'discount' => '0.00', 'spend' => '0.00', 'payable' => '0.00', 'unit_price' => '0.00']]]));
        self::assertSame(512, Desk::told()['balance']);
    }

    public function testVisitsAreToldOnlyOfAccountsThatAgreed(): void
    {
        $component = new LoyaltyhubBalanceComponent();
        $component->seenAction('456');
        Options::set('events', 'Y', 's1');
        $component->seenAction('456');
        $_COOKIE['LOYALTYHUB_CONSENT'] = 'N';
        $component->seenAction('456');
        self::assertSame([], Site::waiting());
        $_COOKIE['LOYALTYHUB_CONSENT'] = 'Y';
        $component->seenAction('456');
        Events::onBasket(new Event('sale', 'OnSaleBasketSaved', ['ENTITY' => new Basket([new BasketItem(['ID' => 7])])]));
        $GLOBALS['USER'] = new FakeUser(0);
        $component->seenAction('456');
        self::assertCount(2, Site::waiting());
        Site::answer(201, []);
        Site::answer(201, []);
        Queue::run();
        self::assertSame(['view', 'cart'], array_column(array_column(Site::asked(), 1), 'kind'));
        self::assertSame('https://hub.example/api/v1/events', Site::$sent[0][0]);
    }

    public function testTheTestOfTheConnectionSaysWhatIsWrong(): void
    {
        Bitrix\Main\Loader::includeModule('sale');
        self::assertFalse(Trial::test('s1')[0][0]);
        Site::answer(401, ['code' => 'unauthorized']);
        Site::answer(401, ['code' => 'signature_invalid']);
        self::assertSame([false, false], array_column(Trial::test('s1'), 0));
        Site::$rules[9] = ['ID' => '9', 'LID' => 's1', 'ACTIVE' => 'Y', 'NAME' => 'Распродажа', 'LAST_DISCOUNT' => 'Y'];
        Site::answer(200, Shopfloor::answer());
        Site::answer(200, []);
        $lines = Trial::test('s1');
        self::assertSame([true, true, false], array_column($lines, 0));
        self::assertStringContainsString('Распродажа', $lines[2][1]);
        Options::set('connection', 'zz', 's1');
        Site::answer(200, Shopfloor::answer());
        self::assertSame([true, false], array_column(Trial::test('s1'), 0));
        self::assertSame('{"type":"ping"}', Site::$sent[4][2]);
        // As the hub writes this number: beyond what a float holds.
        Options::set('connection', 'i_17d3ehnb30ym', 's1');
        self::assertSame('installation:158544691202055838', Options::system('s1'));
    }

    public function testTheSettingsPageKeepsWhatIsFilledInAndSecretsThatAreNot(): void
    {
        $GLOBALS['USER'] = new FakeUser(1);
        $_SERVER['REQUEST_METHOD'] = 'POST';
        $_POST = ['active' => 'Y', 'url' => ' https://hub.example ', 'key' => '', 'secret' => 'other', 'connection' => 'i_zz', 'shop' => '<b>'];
        foreach (['wrong' => 's3cret', 'right' => 'other'] as $sessid => $secret) {
            $_REQUEST = ['sessid' => $sessid, 'site' => 's1"<'];
            ob_start();
            require MODULE . '/options.php';
            $page = ob_get_clean();
            self::assertSame([$secret, 'k'], [Options::get('secret', 's1'), Options::get('key', 's1')]);
        }
        self::assertCount(1, Site::$rules);
        self::assertStringNotContainsString('other', $page);
        self::assertStringNotContainsString('<b>', $page);
    }

    public function testTheStandInsThrowOnNamesThatTheyDoNotKnow(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        $wrong = [
            fn() => $order->getField('PAID'), fn() => $order->setField('X', 1), fn() => Bitrix\Main\Loader::requireModule('x'),
            fn() => QueueTable::getList(['filter' => ['=NAME' => 1]]), fn() => QueueTable::add(['SITE' => 's1']), fn() => CAgent::Remove('x'),
        ];
        foreach ($wrong as $call) {
            try {
                $call();
                self::fail('let pass');
            } catch (LogicException $error) {
                self::assertNotSame('', $error->getMessage());
            }
        }
    }
}
