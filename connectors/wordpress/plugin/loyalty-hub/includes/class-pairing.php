<?php
/**
 * Pairing with the hub by one code.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Hub;

/**
 * Makes what the hub needs of the shop (a key of the REST API, a secret), tells it with the owner's
 * code, keeps what the hub gives back (connection, API key), and makes the webhooks.
 */
final class Pairing {

	/**
	 * What an earlier pairing made: `key`, its number; `door`, the address of its webhooks.
	 *
	 * Webhooks are known by their address: the hub, too, makes anew what somebody deleted.
	 */
	public const MADE = 'loyalty_hub_paired';

	/**
	 * What the hub wants to hear of.
	 */
	public const TOPICS = array( 'order.created', 'order.updated', 'order.deleted', 'order.restored', 'product.created', 'product.updated', 'action.woocommerce_delete_order' );

	/**
	 * Pairs.  What was made for a pairing that did not come about is taken away again.
	 *
	 * @param string $url  Address of the hub.
	 * @param string $code As the owner typed it.
	 * @return array Whether it is well, and a sentence.
	 */
	public static function pair( string $url, string $code ): array {
		$wrong = self::obstacle( $url );
		if ( null !== $wrong ) {
			return array( false, $wrong );
		}
		$key    = self::make_key();
		$secret = wc_rand_hash();
		$host   = (string) wp_parse_url( home_url(), PHP_URL_HOST );
		$shop   = Options::get( 'shop' );
		$reply  = ( new Hub( array( Transport::class, 'send' ), $url, '', Options::locale() ) )->pair(
			$code,
			mb_substr( $host, 0, 64 ),
			array(
				'base_url'        => home_url(),
				'consumer_key'    => $key['consumer_key'],
				'consumer_secret' => $key['consumer_secret'],
				'webhook_secret'  => $secret,
			) + ( '' === $shop ? array() : array( 'shop' => $shop ) ) // The hub keeps the shop of a connection that it knows.
		);
		$given  = $reply->body;
		if ( ! $reply->is_ok() || ! is_string( $given['connection'] ?? null ) || ! is_string( $given['key'] ?? null ) || ! is_string( $given['hooks']['events'] ?? null ) ) {
			self::forget_key( $key['id'] );
			return array( false, self::refusal( $reply ) );
		}
		self::forget();
		$kept = array(
			'enabled'    => 'yes',
			'url'        => $url,
			'key'        => $given['key'],
			'connection' => $given['connection'],
			'secret'     => $secret,
		);
		update_option( Options::NAME, $kept + (array) get_option( Options::NAME, array() ) );
		Site::connect();
		$door = rtrim( $url, '/' ) . $given['hooks']['events'];
		self::make_webhooks( self::TOPICS, $door, $secret );
		update_option(
			self::MADE,
			array(
				'key'  => $key['id'],
				'door' => $door,
			),
			false
		);
		return array( true, __( 'Paired: the shop and the hub know each other now.', 'loyalty-hub' ) );
	}

	/**
	 * Takes away the key and the webhooks that the last pairing made.
	 */
	public static function forget(): void {
		self::forget_key( (int) ( self::made()['key'] ?? 0 ) );
		foreach ( self::webhooks() as $webhook ) {
			$webhook->delete( true );
		}
		delete_option( self::MADE );
	}

	/**
	 * Looks after the webhooks: WooCommerce switches one off after failures and never on again, and
	 * people delete them.
	 *
	 * @return array[] Whether it is well, and a sentence; none where the shop was not paired.
	 */
	public static function mend(): array {
		if ( '' === self::door() ) {
			return array();
		}
		$lines   = array();
		$missing = self::TOPICS;
		foreach ( self::webhooks() as $webhook ) {
			$missing = array_diff( $missing, array( $webhook->get_topic() ) );
			if ( 'disabled' === $webhook->get_status() ) {
				$webhook->set_status( 'active' );
				$webhook->set_failure_count( 0 );
				$webhook->save();
				$lines[] = array( true, __( 'A webhook for the hub was switched off after failures; it is on again.', 'loyalty-hub' ) );
			}
		}
		if ( array() !== $missing ) {
			self::make_webhooks( $missing, self::door(), Options::get( 'secret' ) );
			$lines[] = array( true, __( 'A webhook for the hub was missing; it is there again.', 'loyalty-hub' ) );
		}
		return array_unique( $lines, SORT_REGULAR );
	}

	/**
	 * Whether a webhook is for the hub.
	 *
	 * @param int $id Of the webhook.
	 * @return bool
	 */
	public static function is_ours( int $id ): bool {
		$webhook = wc_get_webhook( $id );
		return $webhook && '' !== self::door() && $webhook->get_delivery_url() === self::door();
	}

	/**
	 * The shop's webhooks for the hub.
	 *
	 * @return \WC_Webhook[]
	 */
	private static function webhooks(): array {
		$ids = \WC_Data_Store::load( 'webhook' )->get_webhooks_ids();
		return array_map( 'wc_get_webhook', array_filter( $ids, array( self::class, 'is_ours' ) ) );
	}

	/**
	 * Where the webhooks that pairing made go.
	 *
	 * @return string Empty where the shop was not paired.
	 */
	private static function door(): string {
		return (string) ( self::made()['door'] ?? '' );
	}

	/**
	 * What the last pairing made.
	 *
	 * @return array
	 */
	private static function made(): array {
		return (array) get_option( self::MADE, array() );
	}

	/**
	 * Why pairing cannot even begin.
	 *
	 * @param string $url Address of the hub.
	 * @return string|null
	 */
	private static function obstacle( string $url ): ?string {
		$parts = wp_parse_url( $url );
		$host  = $parts['host'] ?? '';
		if ( '' === $host ) {
			return __( 'Type the address of the hub too, please.', 'loyalty-hub' );
		}
		// An address of the shop's own network is nobody else's; any other must not read the keys on the way.
		$is_near = 'localhost' === $host || ( filter_var( $host, FILTER_VALIDATE_IP ) && ! filter_var( $host, FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE ) );
		if ( 'https' !== ( $parts['scheme'] ?? '' ) && ! $is_near ) {
			return __( 'The address of the hub must begin with https: pairing sends keys.', 'loyalty-hub' );
		}
		if ( ! get_option( 'permalink_structure' ) ) {
			return __( 'Choose permalinks other than "Plain" in the settings of WordPress: without them the hub cannot read orders.', 'loyalty-hub' );
		}
		return null;
	}

	/**
	 * A key of the REST API, as WooCommerce itself makes one (10.5.2, `includes/class-wc-auth.php`).
	 *
	 * To write it needs the right too: balances go to accounts, and webhooks are switched on again.
	 *
	 * @return array `id`, `consumer_key`, `consumer_secret`.
	 */
	private static function make_key(): array {
		global $wpdb;
		$key    = 'ck_' . wc_rand_hash();
		$secret = 'cs_' . wc_rand_hash();
		$wpdb->insert( // phpcs:ignore WordPress.DB.DirectDatabaseQuery
			$wpdb->prefix . 'woocommerce_api_keys',
			array(
				'user_id'         => get_current_user_id(),
				'description'     => 'Loyalty Hub',
				'permissions'     => 'read_write',
				'consumer_key'    => wc_api_hash( $key ),
				'consumer_secret' => $secret,
				'truncated_key'   => substr( $key, -7 ),
			),
			array( '%d', '%s', '%s', '%s', '%s', '%s' )
		);
		return array(
			'id'              => (int) $wpdb->insert_id,
			'consumer_key'    => $key,
			'consumer_secret' => $secret,
		);
	}

	/**
	 * Takes a key away.
	 *
	 * @param int $id Of the key.
	 */
	private static function forget_key( int $id ): void {
		global $wpdb;
		if ( $id > 0 ) {
			$wpdb->delete( $wpdb->prefix . 'woocommerce_api_keys', array( 'key_id' => $id ), array( '%d' ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		}
	}

	/**
	 * Makes webhooks, all to one address.
	 *
	 * @param string[] $topics  What they tell of.
	 * @param string   $address Of the hub's door.
	 * @param string   $secret  By which they are signed.
	 */
	private static function make_webhooks( array $topics, string $address, string $secret ): void {
		foreach ( $topics as $topic ) {
			$webhook = new \WC_Webhook();
			$webhook->set_name( 'Loyalty Hub: ' . $topic );
			$webhook->set_user_id( get_current_user_id() );
			$webhook->set_topic( $topic );
			$webhook->set_secret( $secret );
			$webhook->set_delivery_url( $address );
			$webhook->set_status( 'active' );
			$webhook->set_api_version( 'wp_api_v3' );
			$webhook->save();
		}
	}

	/**
	 * What the hub said.
	 *
	 * @param Core\Reply $reply A refusal.
	 * @return string
	 */
	private static function refusal( Core\Reply $reply ): string {
		$detail = $reply->body['detail'] ?? '';
		$parts  = array( is_string( $detail ) && '' !== $detail ? $detail : (string) $reply->status );
		if ( 0 === $reply->status ) {
			$parts = array( __( 'The hub does not answer. Is the address right, and can this server reach it?', 'loyalty-hub' ) );
		}
		foreach ( (array) ( $reply->body['errors'] ?? array() ) as $field => $messages ) {
			$parts[] = $field . ': ' . implode( ' ', array_map( 'strval', (array) $messages ) );
		}
		if ( 0 === $reply->status || $reply->is_ok() || $reply->status >= 500 ) {
			$parts[] = __( 'Perhaps the answer alone was lost, and the connection may be there already: if the hub\'s console shows it, take a new code from that connection\'s page.', 'loyalty-hub' );
		}
		return implode( ' ', $parts );
	}
}
