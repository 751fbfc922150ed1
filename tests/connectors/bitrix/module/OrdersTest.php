<?php

use Bitrix\Main\Event;
use Bitrix\Main\Type\DateTime;
use Loyaltyhub\Shop\Core\Signer;
use Loyaltyhub\Shop\Site\Events;
use Loyaltyhub\Shop\Site\OrderTable;
use Loyaltyhub\Shop\Site\Queue;
use Loyaltyhub\Shop\Site\QueueTable;
use PHPUnit\Framework\TestCase;

final class OrdersTest extends TestCase
{
    private const ANNA = ['phone' => '+7 900 000-12-34', 'email' => 'anna@example.com', 'name' => 'Анна'];
    private const AT = '2026-03-14T14:31:02+03:00';

    protected function setUp(): void
    {
        Site::open();
        Shopfloor::install();
        $GLOBALS['USER'] = new FakeUser(318);
    }

    public function testAnOrderIsToldOnceForAllItsEventsAfterThePage(): void
    {
        Site::answer(200, Shopfloor::answer());
        $order = Shopfloor::place(Shopfloor::calculate(Shopfloor::basket()), 41, self::ANNA, self::AT);
        Shopfloor::pay($order, self::AT);
        self::assertCount(1, Site::waiting());
        self::assertSame('OnSaleOrderSaved,OnSaleOrderPaid', Site::waiting()[0]['TRIGGERS']);
        self::assertSame([], Site::told());
        Site::answer(200, []);
        Site::endPage();
        [$told] = Site::told();
        self::assertSame([], Site::waiting());
        self::assertSame([true, 41, '160.00'], [$told['order']['payed'], $told['order']['id'], $told['order']['price']]);
        self::assertSame(['before' => '100.00', 'quantity' => '2', 'discount' => '40.00', 'spend' => '0.00'], $told['items'][0]['hub']);
        self::assertSame(['user_id' => 318, 'phone' => '+7 900 000-12-34', 'email' => 'anna@example.com', 'name' => 'Анна'], $told['buyer']);
        [, $headers, $body] = Site::$sent[1];
        self::assertSame(Signer::sign('s3cret', $body), $headers[Signer::HEADER]);
        self::assertSame('https://hub.example/hooks/i_zz/orders', Site::$sent[1][0]);
    }

    public function testWhatWasPromisedStandsWhenStaffCalculateTheOrderAnewAndNobodyIsAsked(): void
    {
        Site::answer(200, Shopfloor::answer());
        Shopfloor::place(Shopfloor::calculate(Shopfloor::basket()), 41, self::ANNA, self::AT);
        $GLOBALS['USER'] = new FakeUser(1);
        $_SESSION = [];
        $order = Shopfloor::calculate(Shopfloor::order([[7, 100.0, 1.0, []], [8, 50.0, 1.0, []]], ['ID' => 41]));
        self::assertSame([80.0, 50.0], array_column($order['BASKET_ITEMS'], 'PRICE'));
        self::assertSame(160.0, Shopfloor::calculate(Shopfloor::order([[7, 160.0, 1.0, []]], ['ID' => 42]))['BASKET_ITEMS'][7]['PRICE']);
        self::assertCount(1, Site::$sent);
    }

    public function testAnOrderThatSomebodyElseMakesInThePageHasNoNoteOfTheBuyer(): void
    {
        Site::answer(200, Shopfloor::answer());
        Shopfloor::calculate(Shopfloor::basket());
        $order = Shopfloor::place(Shopfloor::basket(), 43, [], self::AT);
        self::assertNotNull(OrderTable::note(43));
        Site::endPage();
        $other = clone $order;
        $other->put('ID', 44);
        Shopfloor::save($other, true);
        self::assertNull(OrderTable::note(44));
    }

    public function testAnOrderOfTheBasketThatIsMadeOutsideTheCheckoutHasItsNote(): void
    {
        Site::answer(200, Shopfloor::answer());
        $basket = Shopfloor::calculate(Shopfloor::basket());
        Site::$handlers = array_filter(Site::$handlers, fn(array $one) => $one[1] !== 'OnSaleComponentOrderCreated');
        // An exchange makes an order of other rows in the page of the buyer.
        Shopfloor::place(['USER_ID' => 5] + Shopfloor::order([[8, 50.0, 1.0, []]]), 45, [], self::AT);
        self::assertNull(OrderTable::note(45));
        Shopfloor::place($basket, 46, [], self::AT);
        self::assertSame('40.00', OrderTable::note(46)['lines']['7']['discount']);
        Shopfloor::place($basket, 47, [], self::AT);
        self::assertNull(OrderTable::note(47), 'one order of a basket');
    }

    public function testALineThatHasNoRowYetIsNotLowered(): void
    {
        // Its name changes as it is saved, so no note would be found for it.
        $order = Shopfloor::order([[7, 100.0, 2.0, ['ID' => 0]], [8, 100.0, 2.0, []]]);
        $lines = Loyaltyhub\Shop\Core\Rule::lines($order);
        self::assertSame([false, true], [$lines[0]->discountable, $lines[1]->discountable]);
    }

    public function testAReturnedPaymentLeavesTheOrderInItsTime(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        self::assertNull(Loyaltyhub\Shop\Site\OrderReader::read($order)['order']['date_payed']);
        Shopfloor::pay($order, '2026-03-15T10:00:00+03:00');
        Shopfloor::giveBack($order, '2026-03-16T10:00:00+03:00');
        self::assertSame('2026-03-15T10:00:00+03:00', Loyaltyhub\Shop\Site\OrderReader::read($order)['order']['date_payed']);
        $order->put('DATE_PAYED', null);
        $order->payments->payments[0]->put('DATE_PAID', DateTime::ofTest('2026-03-15T10:00:01+03:00'));
        self::assertSame('2026-03-15T10:00:01+03:00', Loyaltyhub\Shop\Site\OrderReader::read($order)['order']['date_payed']);
    }

    public function testAChangeThatComesAsItsRowLeavesOrHasLeftIsToldToo(): void
    {
        $leaves = fn() => QueueTable::update(1, ['STATUS' => QueueTable::LEAVES]);
        foreach ([[$leaves, 2], [fn() => QueueTable::delete(1), 1]] as [$meanwhile, $rows]) {
            Site::$tables['b_loyaltyhub_queue'] = [];
            Queue::mark(41, 's1', 'OnSaleOrderSaved');
            Site::$meanwhile = $meanwhile;
            Queue::mark(41, 's1', 'OnSaleOrderPaid');
            self::assertCount($rows, Site::waiting());
            self::assertSame(['N', 'OnSaleOrderPaid'], [Site::waiting()[$rows - 1]['STATUS'], Site::waiting()[$rows - 1]['TRIGGERS']]);
        }
    }

    public function testWhatWasRefusedIsKeptForSomeWeeks(): void
    {
        Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        Site::answer(422, []);
        Queue::run();
        [$row] = Site::waiting();
        self::assertSame('F', $row['STATUS']);
        self::assertEqualsWithDelta(time() + 42 * 86400, $row['NEXT_TRY'], 5);
        Queue::run();
        self::assertCount(1, Site::waiting());
        QueueTable::update($row['ID'], ['NEXT_TRY' => time()]);
        Queue::run();
        self::assertSame([[], 1], [Site::waiting(), count(Site::$sent)]);
    }

    public function testWhatIsNotTakenComesAgainLaterAndWhatIsWrongWaitsForThePerson(): void
    {
        Queue::mark(41, 's1', 'OnSaleOrderSaved');
        Site::$orders[41] = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        Site::answer(503, ['code' => 'try_again']);
        self::assertSame(Queue::AGENT, Queue::run());
        [$row] = Site::waiting();
        self::assertSame(['N', 1, '503 try_again'], [$row['STATUS'], $row['TRIES'], $row['LAST_ERROR']]);
        self::assertGreaterThan(time() + 50, $row['NEXT_TRY']);
        Queue::run();
        self::assertCount(1, Site::$sent, 'not before its time');
        QueueTable::update($row['ID'], ['NEXT_TRY' => time()]);
        Site::answer(422, ['code' => 'validation_failed']);
        Queue::run();
        self::assertSame('F', Site::waiting()[0]['STATUS']);
        self::assertSame([], array_diff_key(Site::told()[0], Site::told()[1]));
    }

    public function testAChangeWhileTheOrderIsBeingToldIsToldToo(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        Site::$network = function () use ($order): array {
            Site::$network = null;
            Shopfloor::pay($order, self::AT);
            return [200, ''];
        };
        Queue::run();
        self::assertSame([['N', 'OnSaleOrderSaved,OnSaleOrderPaid']], array_map(fn(array $one) => [$one['STATUS'], $one['TRIGGERS']], Site::waiting()));
        Site::answer(200, []);
        Queue::run();
        self::assertSame([false, true], array_map(fn(array $one) => $one['order']['payed'], Site::told()));
    }

    public function testWhatSomebodyDiedOverIsSentWhenTheirTimeIsOver(): void
    {
        Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        Site::$network = fn() => throw new Error('killed');
        [$row] = Site::waiting();
        QueueTable::update($row['ID'], ['STATUS' => QueueTable::LEAVES, 'NEXT_TRY' => time() + 100]);
        Queue::run();
        self::assertSame([], Site::$sent);
        QueueTable::update($row['ID'], ['NEXT_TRY' => time()]);
        Site::$network = null;
        Site::answer(200, []);
        Queue::run();
        self::assertSame([], Site::waiting());
    }

    public function testOneThatGetsNoAnswerKeepsTheOthersFromWaitingForNothing(): void
    {
        foreach ([41, 42] as $id) {
            Shopfloor::place(Shopfloor::basket(), $id, [], self::AT);
        }
        Queue::run();
        self::assertCount(1, Site::$sent);
        self::assertSame([1, 0], array_column(Site::waiting(), 'TRIES'));
    }

    public function testAnOrderIsReadWhenItIsSentAndItsNumberIsDrawnBefore(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        OrderTable::keepSeq(41, 9_000_000_000_000);
        $order->put('STATUS_ID', 'F');
        Site::answer(200, []);
        Queue::run();
        self::assertSame([9_000_000_000_001, 'F'], [Site::told()[0]['seq'], Site::told()[0]['order']['status_id']]);
    }

    public function testADeletedOrderIsToldAsItWas(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, self::ANNA, self::AT);
        Shopfloor::delete($order);
        Site::answer(200, []);
        Site::answer(200, []);
        Site::endPage();
        self::assertCount(1, Site::told(), 'the mark of an order that is gone says nothing');
        self::assertTrue(Site::told()[0]['order']['deleted']);
        self::assertSame('200.00', Site::told()[0]['order']['price']);
        self::assertSame(['user_id' => 318], Site::told()[0]['buyer'], 'what waits in the table names nobody');
    }

    public function testOnceANightChangedOrdersAreToldWhateverEventsDid(): void
    {
        foreach ([['now', 41], ['-2 days', 42], ['-5 days', 43]] as [$when, $id]) {
            Shopfloor::place(Shopfloor::basket(), $id, [], date('c', strtotime($when)));
        }
        Site::$tables['b_loyaltyhub_queue'] = [];
        self::assertSame(Queue::NIGHTLY, Queue::reconcile());
        self::assertSame([41, 42], array_column(Site::waiting(), 'ORDER_ID'));
    }

    public function testHandlersTakeBothWaysOfBeingCalledAndLetNothingOut(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        Site::$tables['b_loyaltyhub_queue'] = [];
        Events::onPaid($order);
        Events::onPaid(new Event('sale', 'OnSaleOrderPaid', ['ENTITY' => $order]));
        self::assertCount(1, Site::waiting());
        foreach (Events::ALL as [, , $method]) {
            $one = $two = $three = 'x';
            in_array($method, ['onPage', 'onCheckout', 'onResult'], true)
                ? Events::$method(...($method === 'onPage' ? [] : ($method === 'onCheckout' ? [null, &$one] : [null, &$one, null, &$two, &$three])))
                : Events::$method('rubbish');
        }
        Site::$tables = [];
        Events::onOrder($order, true);
        self::assertSame(Queue::AGENT, Queue::run());
    }

    public function testPropertiesOfBothKindsGiveThePhoneAndOddFieldsGiveNothing(): void
    {
        $order = Shopfloor::place(Shopfloor::basket(), 41, [], self::AT);
        $order->put('DATE_INSERT', 'yesterday');
        $order->payments->payments[0]->put('IS_RETURN', 'Z');
        $read = Loyaltyhub\Shop\Site\OrderReader::read($order);
        self::assertSame([null, null, 'N'], [$read['buyer']['phone'], $read['order']['date_insert'], $read['payments'][0]['is_return']]);
        $order->put('DATE_INSERT', DateTime::ofTest(self::AT));
        self::assertSame(self::AT, Loyaltyhub\Shop\Site\OrderReader::read($order)['order']['date_insert']);
    }
}
