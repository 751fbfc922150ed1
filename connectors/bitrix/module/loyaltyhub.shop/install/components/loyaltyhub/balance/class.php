<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Engine\ActionFilter;
use Bitrix\Main\Engine\Contract\Controllerable;
use Bitrix\Main\Loader;
use Loyaltyhub\Shop\Site\Desk;
use Loyaltyhub\Shop\Site\Visits;

/**
 * Balance, points to spend and promo codes.  The page itself holds nothing of the buyer, so it may be
 * cached for everybody; all is asked for after it was loaded.
 */
class LoyaltyhubBalanceComponent extends CBitrixComponent implements Controllerable
{
    private const MOST = 100;

    public function executeComponent()
    {
        $this->includeComponentTemplate();
    }

    /** Guests buy too: by itself Bitrix lets only those in who are logged in.  Its other filters stay. */
    public function configureActions()
    {
        $actions = ['getBalance', 'setPoints', 'addCode', 'dropCode', 'sendCode', 'confirm', 'seen'];
        return array_fill_keys($actions, ['-prefilters' => [ActionFilter\Authentication::class]]);
    }

    public function getBalanceAction()
    {
        return $this->answer(fn() => Desk::told());
    }

    public function setPointsAction($points = '')
    {
        return $this->answer(fn() => Desk::points(self::text($points)));
    }

    public function addCodeAction($code = '')
    {
        return $this->answer(fn() => Desk::addCode(self::text($code)));
    }

    public function dropCodeAction($code = '')
    {
        return $this->answer(fn() => Desk::dropCode(self::text($code)));
    }

    public function sendCodeAction()
    {
        return $this->answer(fn() => Desk::sendCode());
    }

    public function confirmAction($code = '')
    {
        return $this->answer(fn() => Desk::confirm(self::text($code)));
    }

    public function seenAction($product = '')
    {
        return $this->answer(function () use ($product): array {
            Visits::seen((int) self::text($product));
            return [];
        });
    }

    private function answer(callable $work): array
    {
        return Loader::includeModule('loyaltyhub.shop') && Loader::includeModule('sale') ? $work() : [];
    }

    private static function text(mixed $given): string
    {
        return is_scalar($given) ? mb_substr((string) $given, 0, self::MOST) : '';
    }
}
