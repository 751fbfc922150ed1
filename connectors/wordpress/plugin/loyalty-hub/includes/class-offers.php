<?php
/**
 * Offers for the member who is logged in: on the page of points, as a block, and as a short code.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * The block and the short code show nothing to whom nothing is offered.
 */
final class Offers {

	public const BLOCK  = 'loyalty-hub/offers';
	public const CODE   = 'loyalty_hub_offers';
	/**
	 * What is kept for an account, by its number.
	 */
	public const KEPT    = 'loyalty_hub_offers_';
	private const KEPT_S = 300;

	/**
	 * Goods of an offer that are named.
	 */
	private const NAMED = 10;

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'init', array( $this, 'register' ) );
	}

	/**
	 * The block, whose script is for the editor alone, and the short code.
	 */
	public function register(): void {
		wp_register_script( 'loyalty-hub-offers', plugins_url( 'assets/offers.js', LOYALTY_HUB_FILE ), array( 'wp-blocks', 'wp-element', 'wp-server-side-render' ), LOYALTY_HUB_VERSION, true );
		register_block_type(
			self::BLOCK,
			array(
				'api_version'           => 3,
				'title'                 => __( 'Offers of the loyalty programme', 'loyalty-hub' ),
				'category'              => 'woocommerce',
				'icon'                  => 'tag',
				'editor_script_handles' => array( 'loyalty-hub-offers' ),
				'render_callback'       => array( $this, 'html' ),
			)
		);
		add_shortcode( self::CODE, array( $this, 'html' ) );
	}

	/**
	 * What is offered to whoever looks.
	 *
	 * @return string HTML, escaped.
	 */
	public function html(): string {
		$user = get_current_user_id();
		if ( 0 === $user || ! Options::are_complete() ) {
			return '';
		}
		$kept = get_transient( self::KEPT . $user );
		if ( ! is_array( $kept ) ) {
			$member = Account::proved_member( $user );
			$kept   = null === $member ? array() : Transport::for_buyers()->call( 'GET', '/members/' . rawurlencode( $member ) . '/offers' )->body;
			set_transient( self::KEPT . $user, $kept, self::KEPT_S );
		}
		return self::of( $kept );
	}

	/**
	 * A list of offers.
	 *
	 * @param array $answer As the hub answers; of a refusal there are none.
	 * @return string HTML, escaped.
	 */
	public static function of( array $answer ): string {
		$rows = array();
		foreach ( Account::items( $answer ) as $offer ) {
			$rows[] = array( (string) ( $offer['name'] ?? '' ), self::goods( $offer ), Account::last_day( $offer['ends_at'] ?? null ) );
		}
		if ( array() === $rows ) {
			return '';
		}
		return '<div class="loyalty-hub-offers"><h3>' . esc_html__( 'For you', 'loyalty-hub' ) . '</h3>'
			. Account::table( array( __( 'Offer', 'loyalty-hub' ), __( 'For which goods', 'loyalty-hub' ), __( 'Until', 'loyalty-hub' ) ), $rows ) . '</div>';
	}

	/**
	 * What an offer is for, by the names of the shop; what the shop does not have is left out.
	 *
	 * @param array $offer As the hub answers.
	 * @return string
	 */
	private static function goods( array $offer ): string {
		$names = array_map( 'strval', (array) ( $offer['brands'] ?? array() ) );
		foreach ( (array) ( $offer['categories'] ?? array() ) as $slug ) {
			$category = get_term_by( 'slug', (string) $slug, 'product_cat' );
			$names[]  = $category ? $category->name : '';
		}
		foreach ( (array) ( $offer['skus'] ?? array() ) as $sku ) {
			$product = Gifts::article( (string) $sku );
			$names[] = $product && $product->is_visible() ? $product->get_name() : '';
		}
		$names = array_values( array_unique( array_filter( $names ) ) );
		return implode( ', ', array_slice( $names, 0, self::NAMED ) ) . ( count( $names ) > self::NAMED ? '…' : '' );
	}
}
