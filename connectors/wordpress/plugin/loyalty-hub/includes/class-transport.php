<?php
/**
 * HTTP by WordPress.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Hub;

/**
 * Sends a call.  A hub that did not answer is left alone for half a minute, so that only one buyer, or
 * one message of the queue, waits for it.
 */
final class Transport {

	private const AWAY   = 'loyalty_hub_away';
	private const SILENT = 'loyalty_hub_silent';
	private const PAUSE  = 30;

	/**
	 * Seconds that a webhook of the shop waits for the hub.
	 */
	private const WEBHOOK_LIMIT = 10;

	/**
	 * Listens: the hub may stand on a private address or another port, where WooCommerce's own
	 * webhooks would not go (WordPress 6.9, `wp-includes/http.php`).
	 */
	public function listen(): void {
		add_filter( 'http_request_host_is_external', array( $this, 'allow_host' ), 10, 2 );
		add_filter( 'http_allowed_safe_ports', array( $this, 'allow_port' ), 10, 2 );
		add_filter( 'woocommerce_webhook_http_args', array( $this, 'limit_webhook' ), 10, 3 );
	}

	/**
	 * A hub that takes calls and does not answer would hold the shop's queue, letters and all, for a
	 * minute with each webhook (WooCommerce 10.5.2, `includes/class-wc-webhook.php`).
	 *
	 * @param array $how     As WordPress takes it.
	 * @param mixed $about   What the webhook tells of.
	 * @param int   $webhook Id.
	 * @return array
	 */
	public function limit_webhook( $how, $about, $webhook ) {
		return Pairing::is_ours( (int) $webhook ) ? array( 'timeout' => self::WEBHOOK_LIMIT ) + $how : $how;
	}

	/**
	 * The host that the owner set.
	 *
	 * @param bool   $is_external What was known of it.
	 * @param string $host        Of the address.
	 * @return bool
	 */
	public function allow_host( $is_external, $host ) {
		return $is_external || strtolower( (string) $host ) === strtolower( (string) wp_parse_url( Options::get( 'url' ), PHP_URL_HOST ) );
	}

	/**
	 * Its port.
	 *
	 * @param int[]  $ports Those that are allowed.
	 * @param string $host  Of the address.
	 * @return int[]
	 */
	public function allow_port( $ports, $host ) {
		$port = wp_parse_url( Options::get( 'url' ), PHP_URL_PORT );
		return null !== $port && $this->allow_host( false, $host ) ? array_merge( $ports, array( (int) $port ) ) : $ports;
	}

	/**
	 * The hub for a buyer who waits.
	 *
	 * @return Hub
	 */
	public static function for_buyers(): Hub {
		return new Hub( array( self::class, 'send_unless_away' ), Options::get( 'url' ), Options::get( 'key' ), Options::locale() );
	}

	/**
	 * The hub for the shop's queue, in which letters and all else wait while it is waited for.
	 *
	 * @return Hub
	 */
	public static function for_queue(): Hub {
		return new Hub( array( self::class, 'send_unless_silent' ), Options::get( 'url' ), Options::get( 'key' ), Options::locale() );
	}

	/**
	 * The hub for whoever wants to know, and waits: the owner's test, exports, codes.
	 *
	 * @return Hub
	 */
	public static function for_work(): Hub {
		return new Hub( array( self::class, 'send' ), Options::get( 'url' ), Options::get( 'key' ), Options::locale() );
	}

	/**
	 * Sends, unless the hub was away just now.
	 *
	 * @param string      $method  As GET.
	 * @param string      $url     Address.
	 * @param array       $headers By name.
	 * @param string|null $body    Text.
	 * @param float       $limit   Seconds.
	 * @return array Status and text; status 0: no answer.
	 */
	public static function send_unless_away( string $method, string $url, array $headers, ?string $body, float $limit ): array {
		if ( false !== get_transient( self::AWAY ) ) {
			return array( 0, '' );
		}
		$answer = self::send( $method, $url, $headers, $body, $limit );
		if ( 0 === $answer[0] || $answer[0] >= 500 ) {
			set_transient( self::AWAY, $answer[0], self::PAUSE );
		}
		return $answer;
	}

	/**
	 * Sends, unless the hub was away for a buyer or left the queue waiting just now.  Buyers go on being
	 * priced: one call that takes long says nothing of theirs.
	 *
	 * @param string      $method  As GET.
	 * @param string      $url     Address.
	 * @param array       $headers By name.
	 * @param string|null $body    Text.
	 * @param float       $limit   Seconds.
	 * @return array Status and text; status 0: no answer.
	 */
	public static function send_unless_silent( string $method, string $url, array $headers, ?string $body, float $limit ): array {
		if ( false !== get_transient( self::AWAY ) || false !== get_transient( self::SILENT ) ) {
			return array( 0, '' );
		}
		$answer = self::send( $method, $url, $headers, $body, $limit );
		if ( 0 === $answer[0] ) {
			set_transient( self::SILENT, 0, self::PAUSE );
		}
		return $answer;
	}

	/**
	 * Sends.
	 *
	 * The address is the owner's own and may be a private one, so it is not held against the rules
	 * that are for addresses from outside.
	 *
	 * @param string      $method  As GET.
	 * @param string      $url     Address.
	 * @param array       $headers By name.
	 * @param string|null $body    Text.
	 * @param float       $limit   Seconds.
	 * @return array Status and text; status 0: no answer.
	 */
	public static function send( string $method, string $url, array $headers, ?string $body, float $limit ): array {
		$answer = wp_remote_request(
			$url,
			array(
				'method'      => $method,
				'headers'     => $headers,
				'body'        => $body,
				'timeout'     => $limit,
				'redirection' => 0,
				'user-agent'  => 'loyalty-hub-wordpress/' . LOYALTY_HUB_VERSION,
			)
		);
		if ( is_wp_error( $answer ) ) {
			return array( 0, '' );
		}
		return array( (int) wp_remote_retrieve_response_code( $answer ), (string) wp_remote_retrieve_body( $answer ) );
	}
}
