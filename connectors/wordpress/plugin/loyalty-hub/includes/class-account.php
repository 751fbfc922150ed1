<?php
/**
 * My Account: balance, what expires, history, offers.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Money;

/**
 * Shows what the hub says now; nothing of it is kept in the shop.
 */
final class Account {

	public const ENDPOINT = 'loyalty';
	public const META     = 'loyalty_hub_member';

	private const LIMIT = 20;

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_filter( 'woocommerce_get_query_vars', array( $this, 'name_page' ) );
		add_filter( 'woocommerce_account_menu_items', array( $this, 'add_item' ) );
		add_filter( 'woocommerce_endpoint_' . self::ENDPOINT . '_title', array( $this, 'title' ) );
		add_action( 'woocommerce_account_' . self::ENDPOINT . '_endpoint', array( $this, 'show' ) );
	}

	/**
	 * The page has an address.
	 *
	 * @param array $names By name.
	 * @return array
	 */
	public function name_page( $names ) {
		$names[ self::ENDPOINT ] = self::ENDPOINT;
		return $names;
	}

	/**
	 * The menu leads to it, before the way out.
	 *
	 * @param array $items Titles by page.
	 * @return array
	 */
	public function add_item( $items ) {
		$ours = array( self::ENDPOINT => __( 'Points', 'loyalty-hub' ) );
		$at   = array_search( 'customer-logout', array_keys( $items ), true );
		if ( false === $at ) {
			return $items + $ours;
		}
		return array_slice( $items, 0, $at, true ) + $ours + array_slice( $items, $at, null, true );
	}

	/**
	 * Its title.
	 *
	 * @return string
	 */
	public function title() {
		return __( 'Points', 'loyalty-hub' );
	}

	/**
	 * The member behind an account: as the hub told at the last quote, else asked for now.
	 *
	 * The contract finds members by phone, e-mail and card, and an account's are not proved; a quote
	 * finds them by the account itself, and writes nothing.
	 *
	 * @return string|null
	 */
	public static function member(): ?string {
		$known = get_user_meta( get_current_user_id(), self::META, true );
		if ( is_string( $known ) && '' !== $known ) {
			return $known;
		}
		$member = Basket_Reader::member();
		if ( null === $member ) {
			return null;
		}
		$basket = new Basket( array( new Line( 'none', 'goods', 0 ) ), get_woocommerce_currency(), Options::get( 'shop' ) ?: null, $member, Options::locale() );
		$reply  = Transport::for_buyers()->call( 'POST', '/quotes', $basket->body( null, array(), null ) );
		$id     = $reply->is_ok() ? $reply->body['member']['id'] ?? null : null;
		if ( ! is_string( $id ) ) {
			return null;
		}
		update_user_meta( get_current_user_id(), self::META, $id );
		return $id;
	}

	/**
	 * The page.
	 */
	public function show(): void {
		if ( ! Options::are_complete() ) {
			return;
		}
		$member = self::member();
		if ( null === $member ) {
			echo '<p>' . esc_html__( 'You have no points yet. They begin with your first order.', 'loyalty-hub' ) . '</p>';
			return;
		}
		$hub  = Transport::for_buyers();
		$path = '/members/' . rawurlencode( $member );
		$card = $hub->call( 'GET', $path );
		if ( ! $card->is_ok() ) {
			if ( 404 === $card->status ) {
				delete_user_meta( get_current_user_id(), self::META );
			}
			echo '<p>' . esc_html__( 'Your points cannot be shown at this moment. Please come back later.', 'loyalty-hub' ) . '</p>';
			return;
		}
		$this->show_card( $card->body );
		$this->show_lots( $hub->call( 'GET', $path . '/lots' )->body );
		$this->show_offers( $hub->call( 'GET', $path . '/offers' )->body );
		$this->show_history( $hub->call( 'GET', $path . '/ledger?limit=' . self::LIMIT )->body );
	}

	/**
	 * Balance and tier.
	 *
	 * @param array $card As the hub answers.
	 */
	private function show_card( array $card ): void {
		$balance = (array) ( $card['balance'] ?? array() );
		$rows    = array(
			array( __( 'Points that can be spent', 'loyalty-hub' ), self::points( $balance['available'] ?? null ) ),
			array( __( 'Points that will come', 'loyalty-hub' ), self::points( $balance['pending'] ?? null ) ),
		);
		if ( isset( $card['tier']['name'] ) ) {
			$rows[] = array( __( 'Tier', 'loyalty-hub' ), (string) $card['tier']['name'] );
		}
		if ( isset( $card['next_tier']['name'] ) ) {
			$rows[] = array( __( 'Next tier', 'loyalty-hub' ), (string) $card['next_tier']['name'] );
		}
		self::table( array(), $rows );
	}

	/**
	 * Points that end.
	 *
	 * @param array $answer As the hub answers.
	 */
	private function show_lots( array $answer ): void {
		$rows = array();
		foreach ( self::items( $answer ) as $lot ) {
			if ( isset( $lot['expires_at'] ) ) {
				$rows[] = array( self::points( $lot['left'] ?? null ), self::day( $lot['expires_at'] ) );
			}
		}
		if ( array() !== $rows ) {
			echo '<h3>' . esc_html__( 'Points that expire', 'loyalty-hub' ) . '</h3>';
			self::table( array( __( 'Points', 'loyalty-hub' ), __( 'Until', 'loyalty-hub' ) ), $rows );
		}
	}

	/**
	 * What is for this member.
	 *
	 * @param array $answer As the hub answers.
	 */
	private function show_offers( array $answer ): void {
		$rows = array();
		foreach ( self::items( $answer ) as $offer ) {
			$rows[] = array( (string) ( $offer['name'] ?? '' ), isset( $offer['ends_at'] ) ? self::day( $offer['ends_at'] ) : '' );
		}
		if ( array() !== $rows ) {
			echo '<h3>' . esc_html__( 'For you', 'loyalty-hub' ) . '</h3>';
			self::table( array( __( 'Offer', 'loyalty-hub' ), __( 'Until', 'loyalty-hub' ) ), $rows );
		}
	}

	/**
	 * The last movements.
	 *
	 * @param array $answer As the hub answers.
	 */
	private function show_history( array $answer ): void {
		$rows = array();
		foreach ( self::items( $answer ) as $entry ) {
			$rows[] = array( self::day( $entry['occurred_at'] ?? '' ), self::kind( (string) ( $entry['kind'] ?? '' ) ), self::points( $entry['available'] ?? null ) );
		}
		if ( array() !== $rows ) {
			echo '<h3>' . esc_html__( 'History', 'loyalty-hub' ) . '</h3>';
			self::table( array( __( 'Day', 'loyalty-hub' ), __( 'What', 'loyalty-hub' ), __( 'Points', 'loyalty-hub' ) ), $rows );
		}
	}

	/**
	 * A kind of movement in words (`ledger.md`, 3).
	 *
	 * @param string $kind As the hub names it.
	 * @return string
	 */
	private static function kind( string $kind ): string {
		$words = array(
			'earn'      => __( 'Earned', 'loyalty-hub' ),
			'activate'  => __( 'Can be spent now', 'loyalty-hub' ),
			'hold'      => __( 'Set aside for an order', 'loyalty-hub' ),
			'capture'   => __( 'Spent', 'loyalty-hub' ),
			'spend'     => __( 'Spent', 'loyalty-hub' ),
			'release'   => __( 'Set aside no more', 'loyalty-hub' ),
			'give_back' => __( 'Given back for a return', 'loyalty-hub' ),
			'claw_back' => __( 'Taken back for a return', 'loyalty-hub' ),
			'expire'    => __( 'Expired', 'loyalty-hub' ),
			'adjust'    => __( 'Changed by the shop', 'loyalty-hub' ),
			'transfer'  => __( 'Moved', 'loyalty-hub' ),
			'forgive'   => __( 'Debt forgiven', 'loyalty-hub' ),
		);
		return $words[ $kind ] ?? $kind;
	}

	/**
	 * Entries of a list.
	 *
	 * @param array $answer As the hub answers; of a refusal there are none.
	 * @return array[]
	 */
	private static function items( array $answer ): array {
		return array_filter( (array) ( $answer['items'] ?? array() ), 'is_array' );
	}

	/**
	 * Points as people read them.
	 *
	 * @param mixed $told Decimal of the hub.
	 * @return string
	 */
	private static function points( $told ): string {
		try {
			return Offer::points( Money::read( $told ) );
		} catch ( \UnexpectedValueException $error ) {
			return '';
		}
	}

	/**
	 * A time as a day of the shop.
	 *
	 * @param mixed $told ISO 8601.
	 * @return string
	 */
	private static function day( $told ): string {
		$at = is_string( $told ) ? strtotime( $told ) : false;
		return false === $at ? '' : wp_date( (string) get_option( 'date_format' ), $at );
	}

	/**
	 * A table.
	 *
	 * @param string[] $heads May be none.
	 * @param array[]  $rows  Texts.
	 */
	private static function table( array $heads, array $rows ): void {
		echo '<table class="shop_table shop_table_responsive loyalty-hub-table">';
		if ( array() !== $heads ) {
			echo '<thead><tr>';
			foreach ( $heads as $head ) {
				echo '<th>' . esc_html( $head ) . '</th>';
			}
			echo '</tr></thead>';
		}
		echo '<tbody>';
		foreach ( $rows as $row ) {
			echo '<tr>';
			foreach ( $row as $text ) {
				echo '<td>' . esc_html( $text ) . '</td>';
			}
			echo '</tr>';
		}
		echo '</tbody></table>';
	}
}
