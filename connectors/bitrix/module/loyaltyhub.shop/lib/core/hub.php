<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * The hub's addresses.  `$send` is fn(string $url, array $headers, string $body): array{int, string}:
 * status (0: no answer) and text.
 */
final class Hub
{
    private readonly \Closure $send;

    public function __construct(callable $send, private readonly string $url, private readonly string $key)
    {
        $this->send = $send(...);
    }

    /** A call of the API (`docs/http-contract.md`), by the key. */
    public function call(string $path, array $body): Reply
    {
        $headers = ['Authorization' => 'Bearer ' . $this->key, 'Content-Type' => 'application/json'];
        return $this->post('/api/v1' . $path, $headers, Signer::encode($body));
    }

    /** A signed message to the connection's door. */
    public function tell(string $connection, string $secret, string $body): Reply
    {
        $headers = [Signer::HEADER => Signer::sign($secret, $body), 'Content-Type' => 'application/json'];
        return $this->post('/hooks/' . rawurlencode($connection) . '/orders', $headers, $body);
    }

    private function post(string $path, array $headers, string $body): Reply
    {
        [$status, $text] = ($this->send)(rtrim($this->url, '/') . $path, $headers, $body);
        return Reply::of($status, $text);
    }
}
