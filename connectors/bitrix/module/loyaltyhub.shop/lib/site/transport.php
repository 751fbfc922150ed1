<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Web\HttpClient;
use Loyaltyhub\Shop\Core\Hub;

/**
 * HTTP by Bitrix's own client.
 *
 * One page begins no call with less than one of its two seconds left, however many it makes; Bitrix
 * counts connecting apart, so it waits for three at worst.  After a call without an answer no page of
 * the site waits for half a minute.
 */
final class Transport
{
    public const LIMIT_S = 2.0;
    public const PAUSE_S = 30;
    private const AWAY = 'away_until';

    private static float $waited = 0.0;

    /** The hub for a buyer who waits. */
    public static function forBuyers(string $site): Hub
    {
        $send = function (string $url, array $headers, string $body) use ($site): array {
            $left = self::LIMIT_S - self::$waited;
            if ($left < 1.0 || (int) Options::get(self::AWAY, $site) > time()) {
                return [0, ''];
            }
            $begun = microtime(true);
            $answer = self::send($url, $headers, $body, (int) floor($left));
            self::$waited += microtime(true) - $begun;
            if ($answer[0] === 0 || $answer[0] >= 500) {
                Options::set(self::AWAY, (string) (time() + self::PAUSE_S), $site);
            }
            return $answer;
        };
        return new Hub($send, Options::get('url', $site), Options::get('key', $site));
    }

    /** The hub for work that nobody waits for, and for the owner's test. */
    public static function forWork(string $site): Hub
    {
        $send = fn(string $url, array $headers, string $body): array => self::send($url, $headers, $body, 5);
        return new Hub($send, Options::get('url', $site), Options::get('key', $site));
    }

    /** @return array{int, string} Status (0: no answer) and text. */
    private static function send(string $url, array $headers, string $body, int $limit): array
    {
        $client = new HttpClient([
            'socketTimeout' => min(1, $limit),
            'streamTimeout' => $limit,
            'redirect' => false,
            'disableSslVerification' => false,
        ]);
        foreach ($headers as $name => $value) {
            $client->setHeader($name, $value);
        }
        $text = $client->post($url, $body);
        return $text === false ? [0, ''] : [(int) $client->getStatus(), (string) $text];
    }
}
