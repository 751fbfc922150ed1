<?php
/**
 * The hub over HTTP.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * Calls with a short limit of time; what the hub does not answer, is not there.
 */
final class Hub {

	/**
	 * Seconds that a buyer may be kept waiting.
	 */
	public const LIMIT = 2.0;

	/**
	 * Seconds that the owner may be.
	 */
	private const PATIENCE = 15.0;

	/**
	 * A hub at an address.
	 *
	 * @param callable $send   fn( string $method, string $url, array $headers, ?string $body, float $limit ): array{0: int, 1: string}; status 0: no answer.
	 * @param string   $url     Address of the hub, as https://hub.example.
	 * @param string   $key     API key.
	 * @param string   $locale Language of texts: ru or en.
	 */
	public function __construct( private $send, private string $url, private string $key, private string $locale = 'ru' ) {
	}

	/**
	 * Calls the API.
	 *
	 * @param string     $method GET, POST, PATCH, DELETE.
	 * @param string     $path   Below /api/v1, with a slash.
	 * @param array|null $body   To be sent as JSON.
	 * @return Reply
	 */
	public function call( string $method, string $path, ?array $body = null ): Reply {
		$headers = array(
			'Authorization'   => 'Bearer ' . $this->key,
			'Accept'          => 'application/json',
			'Accept-Language' => $this->locale,
		);
		if ( null !== $body ) {
			$headers['Content-Type'] = 'application/json';
		}
		$sent = null === $body ? null : (string) json_encode( $body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE );
		return Reply::of( ( $this->send )( $method, rtrim( $this->url, '/' ) . '/api/v1' . $path, $headers, $sent, self::LIMIT ) );
	}

	/**
	 * Pairs by the code that the owner took in the hub's console (`docs/http-contract.md`, Pairing).
	 *
	 * @param string $code     As typed.
	 * @param string $name     Of the connection.
	 * @param array  $settings Of the hub's connector, as texts.
	 * @return Reply
	 */
	public function pair( string $code, string $name, array $settings ): Reply {
		$headers = array(
			'Accept'          => 'application/json',
			'Accept-Language' => $this->locale,
			'Content-Type'    => 'application/json',
		);
		$body    = array(
			'code'     => trim( $code ),
			'name'     => $name,
			'settings' => $settings,
		);
		return Reply::of( ( $this->send )( 'POST', rtrim( $this->url, '/' ) . '/pair', $headers, (string) json_encode( $body ), self::PATIENCE ) );
	}

	/**
	 * Hints at an order through the door of the shop's connection.
	 *
	 * @param string $connection Id of the connection in the hub, as i_4f9x.
	 * @param string $secret     Of its webhooks.
	 * @param string $source     Address of the shop.
	 * @param int    $order      Id of the order.
	 * @param int    $number     Of this call; they rise.
	 * @return Reply
	 */
	public function hint( string $connection, string $secret, string $source, int $order, int $number ): Reply {
		$body = array(
			'action' => 'woocommerce_update_order',
			'arg'    => $order,
		);
		return $this->deliver( $connection, $secret, $source, 'action.woocommerce_update_order', $body, $number );
	}

	/**
	 * Knocks at that door with a topic that the hub passes over: answered 200 if the secret is right.
	 *
	 * @param string $connection Id of the connection in the hub.
	 * @param string $secret     Of its webhooks.
	 * @param string $source     Address of the shop.
	 * @return Reply
	 */
	public function knock( string $connection, string $secret, string $source ): Reply {
		return $this->deliver( $connection, $secret, $source, 'customer.updated', array( 'id' => 0 ), 0 );
	}

	/**
	 * A delivery, signed as WooCommerce signs (10.5.2, `includes/class-wc-webhook.php`).
	 *
	 * @param string $connection Id of the connection in the hub.
	 * @param string $secret     Of its webhooks.
	 * @param string $source     Address of the shop.
	 * @param string $topic      Resource and event.
	 * @param array  $body       To be sent as JSON.
	 * @param int    $number     Of this call.
	 * @return Reply
	 */
	private function deliver( string $connection, string $secret, string $source, string $topic, array $body, int $number ): Reply {
		$text    = (string) json_encode( $body );
		$headers = array(
			'Content-Type'             => 'application/json',
			'X-WC-Webhook-Source'      => $source,
			'X-WC-Webhook-Topic'       => $topic,
			'X-WC-Webhook-ID'          => 'loyalty-hub',
			'X-WC-Webhook-Delivery-ID' => (string) $number,
			'X-WC-Webhook-Signature'   => base64_encode( hash_hmac( 'sha256', $text, $secret, true ) ),
		);
		$url     = rtrim( $this->url, '/' ) . '/hooks/' . rawurlencode( $connection ) . '/events';
		return Reply::of( ( $this->send )( 'POST', $url, $headers, $text, self::LIMIT ) );
	}
}
